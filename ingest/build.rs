//! The folder of the dashboard must exist for it to be embedded, also where Node was not there to fill it.

fn main() {
    let folder = std::path::Path::new("../dashboard/dist");
    if let Err(error) = std::fs::create_dir_all(folder) {
        println!("cargo::warning=the folder dashboard/dist could not be made: {error}");
    }
    println!("cargo::rerun-if-changed=../dashboard/dist");
}
