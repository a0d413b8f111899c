//! Scripts as tools run them: batches between lines that say `GO`.

/// The batches of a script, each with the line it begins on.
pub(crate) fn batches(script: &str) -> Vec<(u32, String)> {
    let mut batches = Vec::new();
    let mut current = String::new();
    let mut start = 1;
    for (number, line) in (1u32..).zip(script.lines()) {
        if line.trim().trim_end_matches(';').eq_ignore_ascii_case("go") {
            if !current.trim().is_empty() {
                batches.push((start, std::mem::take(&mut current)));
            }
            current.clear();
            start = number + 1;
        } else {
            current.push_str(line);
            current.push('\n');
        }
    }
    if !current.trim().is_empty() {
        batches.push((start, current));
    }
    batches
}
