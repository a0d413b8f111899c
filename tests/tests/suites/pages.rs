//! The pages for the people at a store, in two languages: they say the same, name commands that the agent has and messages
//! that are still said, and their links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fluxion_tests::demo::chain::program;

/// Spanish and English of each page.
const PAGES: [(&str, &str); 2] = [
    ("instalar-en-la-tienda.md", "install-at-a-store.md"),
    ("solucion-de-problemas.md", "troubleshooting.md"),
];
/// The pages whose third-level headings are messages.
const MESSAGES: (&str, &str) = PAGES[1];

fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// A page, cut into what a test looks at.
struct Page {
    name: &'static str,
    headings: Vec<(usize, String)>,
    commands: Vec<String>,
    links: Vec<String>,
    /// Words of the dashboard.
    bold: Vec<String>,
}

impl Page {
    fn read(name: &'static str) -> Self {
        let text = fs::read_to_string(root().join("docs").join(name)).unwrap();
        let mut page = Self {
            name,
            headings: Vec::new(),
            commands: Vec::new(),
            links: Vec::new(),
            bold: Vec::new(),
        };
        let mut fence = None;
        for line in text.lines() {
            let line = line.trim();
            if let Some(kind) = line.strip_prefix("```") {
                fence = match fence {
                    None => Some(kind),
                    Some(_) => None,
                };
                continue;
            }
            match fence {
                Some("bat" | "sh" | "toml") => page.command(line),
                // What a program answers, and SQL with a password to think of.
                Some(_) => {}
                None => page.prose(line),
            }
        }
        assert_eq!(fence, None, "{name} ends inside of a block");
        page
    }

    /// Comments and the language that doctor speaks differ between the pages, and nothing else.
    fn command(&mut self, line: &str) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if !line.is_empty() && !line.starts_with('#') {
            self.commands
                .push(line.replace("--lang en", "--lang es").to_owned());
        }
    }

    fn prose(&mut self, line: &str) {
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if level > 0 {
            let heading = line[level..].trim().to_owned();
            self.headings.push((level, heading));
            return;
        }
        for (place, span) in line.split('`').enumerate() {
            if place % 2 == 1 && span.starts_with("fluxion-agent ") {
                self.command(span);
            }
        }
        let bold = line.split("**").skip(1).step_by(2).map(str::to_owned);
        self.bold.extend(bold);
        for link in line.split("](").skip(1) {
            let end = link.find(')').expect("a link ends on its line");
            self.links.push(link[..end].to_owned());
        }
    }

    fn levels(&self) -> Vec<usize> {
        self.headings.iter().map(|(level, _)| *level).collect()
    }

    /// As GitHub and most others make them.
    fn anchors(&self) -> Vec<String> {
        let anchor = |heading: &String| {
            heading
                .to_lowercase()
                .chars()
                .filter_map(|c| match c {
                    ' ' => Some('-'),
                    c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c),
                    _ => None,
                })
                .collect()
        };
        self.headings
            .iter()
            .map(|(_, heading)| anchor(heading))
            .collect()
    }
}

#[test]
fn both_languages_have_the_same_sections_and_the_same_commands() {
    for (spanish, english) in PAGES {
        let (spanish, english) = (Page::read(spanish), Page::read(english));
        assert_eq!(spanish.levels(), english.levels(), "{}", spanish.name);
        assert_eq!(spanish.commands, english.commands, "{}", spanish.name);
    }
}

#[test]
fn every_command_on_a_page_is_one_that_the_agent_understands() {
    let agent = program("fluxion-agent").unwrap();
    let mut tried = 0;
    for name in PAGES
        .iter()
        .flat_map(|(spanish, english)| [*spanish, *english])
    {
        for command in Page::read(name).commands {
            let Some((_, arguments)) = command.split_once("fluxion-agent ") else {
                continue;
            };
            if command.contains("systemctl") || command.contains("apt") {
                continue;
            }
            // Asked for help, it looks at what stands before and does nothing.
            let output = Command::new(&agent)
                .args(
                    arguments
                        .split_whitespace()
                        .map(|word| word.replace('"', "")),
                )
                .arg("--help")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}: {command}\n{said}");
            tried += 1;
        }
    }
    assert!(tried > 40, "only {tried} commands were found");
}

#[test]
fn every_message_that_is_explained_is_still_said() {
    let mut sources = String::new();
    for folder in [
        "agent/src",
        "connectors/src",
        "ingest/src",
        "deploy",
        "dashboard/src/i18n",
    ] {
        gather(&root().join(folder), &mut sources);
    }
    for name in [MESSAGES.0, MESSAGES.1] {
        for (level, heading) in Page::read(name).headings {
            if level != 3 {
                continue;
            }
            let (first, rest) = heading.split_once(": ").unwrap_or(("", &heading));
            let is_event = first.parse::<u16>().is_ok();
            let message = if is_event { rest } else { &heading };
            for part in message.split('…').map(str::trim) {
                assert!(sources.contains(part), "{name}: nothing says {part:?}");
            }
        }
    }
}

#[test]
fn words_of_the_dashboard_are_those_it_shows() {
    for (spanish, english) in PAGES {
        for (name, words) in [(spanish, "es.json"), (english, "en.json")] {
            let words = root().join("dashboard/src/i18n").join(words);
            let words = fs::read_to_string(words).unwrap();
            for bold in Page::read(name).bold {
                assert!(words.contains(&format!(": \"{bold}\"")), "{name}: {bold}");
            }
        }
    }
}

/// What is written there, with the texts of Rust as they are printed.
fn gather(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, sources);
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let mut goes_on = false;
        for line in text.lines() {
            let line = if goes_on { line.trim_start() } else { line };
            goes_on = line.ends_with('\\');
            sources.push_str(&line.trim_end_matches('\\').replace("\\\"", "\""));
            if !goes_on {
                sources.push('\n');
            }
        }
    }
}

#[test]
fn links_and_pictures_of_the_pages_are_there() {
    for name in PAGES
        .iter()
        .flat_map(|(spanish, english)| [*spanish, *english])
    {
        for link in Page::read(name).links {
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let file = if file.is_empty() { name } else { file };
            assert!(root().join("docs").join(file).is_file(), "{name}: {link}");
            if anchor.is_empty() {
                continue;
            }
            let known = PAGES
                .iter()
                .flat_map(|(spanish, english)| [*spanish, *english]);
            let page = known.into_iter().find(|known| *known == file);
            let page = Page::read(page.expect("an anchor of one of these pages"));
            assert!(
                page.anchors().iter().any(|known| known == anchor),
                "{name}: {link}"
            );
        }
    }
}
