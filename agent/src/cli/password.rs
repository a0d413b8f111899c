//! The password of a login that is used once and kept nowhere: from a file, or from whoever sits at the keyboard.

use std::path::Path;

use anyhow::{Context, bail};

use super::Lang;

pub(super) fn password_in(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the password file {}", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

pub(super) fn ask_password(user: &str, lang: Lang) -> anyhow::Result<String> {
    let terminal = console::Term::stderr();
    if !terminal.is_term() {
        bail!("there is nobody here to ask for the password\nhint: use --password-file FILE");
    }
    terminal.write_str(&match lang {
        Lang::Es => format!("Contraseña de {user}: "),
        Lang::En => format!("Password of {user}: "),
    })?;
    Ok(terminal.read_secure_line()?)
}
