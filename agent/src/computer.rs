//! Which computer this is, as the dashboard shows it: its name and its operating system.

use std::sync::LazyLock;

static SYSTEM: LazyLock<String> = LazyLock::new(|| {
    let name = named().unwrap_or_else(|| std::env::consts::OS.to_owned());
    format!("{name}, {}", std::env::consts::ARCH)
});

/// The computer's name in its network.
#[must_use]
pub fn machine_name() -> String {
    let named = ["COMPUTERNAME", "HOSTNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let from_file = || std::fs::read_to_string("/etc/hostname").ok();
    named
        .or_else(from_file)
        .map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}

/// The operating system with its version, as it was when the agent started: "Windows 10 Pro 22H2 (build 19045), x86_64",
/// "Debian GNU/Linux 12 (bookworm), x86_64".
#[must_use]
pub fn operating_system() -> String {
    SYSTEM.clone()
}

/// From the registry. What `GetVersion` and its kin say depends on what a program claims to know, and they have no name
/// for a Windows that is newer than they are.
#[cfg(windows)]
fn named() -> Option<String> {
    const PLACE: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
    let key = windows_registry::LOCAL_MACHINE.open(PLACE).ok()?;
    let text = |name| key.get_string(name).ok().filter(|text| !text.is_empty());
    let product = text("ProductName")?;
    let build = text("CurrentBuildNumber").unwrap_or_default();
    // Service packs up to Windows 7; 22H2 and the like since Windows 10.
    let release = text("DisplayVersion").or_else(|| text("CSDVersion"));
    Some(windows_name(&product, release.as_deref(), &build))
}

#[cfg(not(windows))]
fn named() -> Option<String> {
    ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|path| pretty_name(&std::fs::read_to_string(path).ok()?))
}

/// Windows 11 still calls itself 10 there; its builds begin at 22000.
#[cfg(any(windows, test))]
fn windows_name(product: &str, release: Option<&str>, build: &str) -> String {
    let newer = build.parse().is_ok_and(|build: u32| build >= 22_000);
    let product = match product.strip_prefix("Windows 10") {
        Some(edition) if newer => format!("Windows 11{edition}"),
        _ => product.to_owned(),
    };
    let release = release.map_or_else(String::new, |release| format!(" {release}"));
    format!("{product}{release} (build {build})")
}

/// `PRETTY_NAME` of an `os-release` file.
#[cfg(any(not(windows), test))]
fn pretty_name(os_release: &str) -> Option<String> {
    let line = os_release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    let name = line.trim().trim_matches(['"', '\'']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_is_named_with_its_edition_release_and_build() {
        let named = |product, release, build| windows_name(product, release, build);
        assert_eq!(
            named("Windows 7 Professional", Some("Service Pack 1"), "7601"),
            "Windows 7 Professional Service Pack 1 (build 7601)"
        );
        assert_eq!(
            named("Windows 10 Pro", Some("22H2"), "19045"),
            "Windows 10 Pro 22H2 (build 19045)"
        );
        assert_eq!(
            named("Windows 10 Pro", Some("23H2"), "22631"),
            "Windows 11 Pro 23H2 (build 22631)"
        );
        assert_eq!(
            named("Windows Server 2012 R2 Standard", None, "9600"),
            "Windows Server 2012 R2 Standard (build 9600)"
        );
    }

    #[test]
    fn linux_is_named_as_it_names_itself() {
        let text = "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n";
        assert_eq!(pretty_name(text).unwrap(), "Debian GNU/Linux 12 (bookworm)");
        assert_eq!(
            pretty_name("PRETTY_NAME='Alpine Linux v3.20'\n").unwrap(),
            "Alpine Linux v3.20"
        );
        assert_eq!(pretty_name("ID=x\nPRETTY_NAME=\"\"\n"), None);
    }

    #[cfg(unix)]
    #[test]
    fn this_computer_has_a_name_and_a_system_with_a_version() {
        assert!(!machine_name().is_empty());
        let system = operating_system();
        assert!(system.ends_with(std::env::consts::ARCH), "{system}");
        assert!(!system.starts_with("linux"), "{system}");
    }
}
