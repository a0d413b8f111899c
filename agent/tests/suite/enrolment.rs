//! Enrolment as a technician meets it: the line is down, an answer is lost, a code is refused.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::cloud::Cloud;
use crate::secrets::holders;

const CODE: &str = "K7QF-3MXW-9TRA";
/// What `enroll` ends with when the code waits.
const WAITS: Option<i32> = Some(3);

/// A computer whose configuration names a cloud, and nothing else.
struct Computer {
    folder: tempfile::TempDir,
    server: String,
}

impl Computer {
    fn new(server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!("server = \"{server}\"\ndata_dir = \"data\"\n");
        std::fs::write(folder.path().join("fluxion-agent.toml"), config).unwrap();
        Self {
            folder,
            server: server.to_owned(),
        }
    }

    /// One whose cloud is not there yet, and where it will be.
    fn without_a_line() -> (Self, SocketAddr) {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
        let address = address.unwrap();
        (Self::new(&format!("http://{address}")), address)
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("data/enrolment.json")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fluxion-agent"));
        command
            .current_dir(self.folder.path())
            .env_remove("FLUXION_AGENT_CONFIG")
            .env_remove("FLUXION_AGENT_DATA")
            .args(arguments);
        command
    }

    fn says(&self, arguments: &[&str]) -> (String, Option<i32>) {
        let output = self.command(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (String::from_utf8(said).unwrap(), output.status.code())
    }

    fn enrols(&self, code: &str) -> (String, Option<i32>) {
        self.says(&["enroll", "--server", &self.server, "--code", code])
    }

    /// Returns when it works: a command that looks at it meanwhile would keep it from starting.
    async fn run(&self) -> Running {
        let screen = std::fs::File::create(self.folder.path().join("screen.txt")).unwrap();
        let mut command = self.command(&["run"]);
        command.stdin(Stdio::null());
        command.stdout(screen.try_clone().unwrap()).stderr(screen);
        let running = Running(command.spawn().unwrap());
        for _ in 0..300 {
            if self.folder.path().join("data/state.json").exists() {
                return running;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the agent does not start");
    }

    /// What `status` says, once it says this.
    async fn status(&self, lang: &str, part: &str) -> String {
        let mut said = String::new();
        for _ in 0..150 {
            said = self.says(&["status", "--lang", lang]).0;
            if said.contains(part) {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("status never says {part:?}: {said}");
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_line_the_code_is_kept_sealed_told_and_used_by_the_agent_once_there_is_one() {
    let (computer, address) = Computer::without_a_line();
    let (said, code) = computer.enrols(CODE);
    assert_eq!(code, WAITS, "{said}");
    assert!(said.contains("kept sealed"), "{said}");
    assert_eq!(holders(computer.folder.path(), &[CODE]), [""; 0]);

    let running = computer.run().await;
    let said = computer.status("es", "cannot be reached").await;
    assert!(
        said.contains("Inscripción: el código está guardado"),
        "{said}"
    );
    assert!(!said.contains("Nube:"), "it is said once: {said}");
    let (said, _) = computer.says(&["doctor", "--lang", "es"]);
    assert!(said.contains("el código está guardado"), "{said}");
    let (said, _) = computer.says(&["doctor", "--lang", "en"]);
    assert!(said.contains("the code is kept"), "{said}");

    let cloud = Cloud::default();
    cloud.inner(|inner| inner.code = Some((CODE.to_owned(), None)));
    cloud.serve(address).await;
    cloud
        .until("it is enrolled and speaks", |inner| inner.heartbeats > 0)
        .await;
    let said = computer.status("en", "Store: Centro (Cadena)").await;
    assert!(!said.contains("Enrolment"), "{said}");
    assert!(!computer.kept().exists());
    drop(running);
    assert_eq!(holders(computer.folder.path(), &[CODE]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_does_not_use_the_code_up() {
    let (cloud, server) = Cloud::start().await;
    let computer = Computer::new(&server);
    cloud.inner(|inner| {
        inner.code = Some((CODE.to_owned(), None));
        inner.loses_enrolment = true;
    });
    let (said, code) = computer.enrols(CODE);
    assert_eq!(code, WAITS, "{said}");
    let used = cloud.inner(|inner| inner.code.clone()).unwrap().1;
    assert!(used.is_some(), "the cloud has enrolled it");
    let (said, code) = computer.enrols(CODE);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("\"Centro\""), "{said}");
    assert!(!computer.kept().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_is_refused_is_given_up_and_another_one_takes_its_place() {
    let (computer, address) = Computer::without_a_line();
    let (_, code) = computer.enrols(CODE);
    assert_eq!(code, WAITS);
    let cloud = Cloud::default();
    cloud.inner(|inner| inner.code = Some(("another".to_owned(), None)));
    cloud.serve(address).await;
    let running = computer.run().await;
    let said = computer.status("en", "does not accept the code").await;
    assert!(said.contains("The code is not known."), "{said}");
    let kept = std::fs::read_to_string(computer.kept()).unwrap();
    assert!(!kept.contains("fxs1:"), "nothing is left to try: {kept}");
    let (said, _) = computer.says(&["doctor", "--lang", "en"]);
    assert!(said.contains("does not accept the code"), "{said}");

    let (said, code) = computer.enrols("a typo");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the code is not accepted"), "{said}");
    let (said, code) = computer.enrols("another");
    assert_eq!(code, Some(0), "{said}");
    cloud.until("it speaks", |inner| inner.heartbeats > 0).await;
    drop(running);
}
