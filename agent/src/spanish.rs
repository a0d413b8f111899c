//! What connectors ask a person to do, in Spanish: a sentence for each code of `Remedy::AskOperator`.
//!
//! Connectors write their hints in English, for logs and the dashboard's translators; here a short, stable code becomes
//! what a Spanish-speaking technician can act on. The hint stays beside it, because it names tables, columns and
//! accounts.

use fluxion_connectors::{Remedy, SourceError};

use crate::spool::Halt;

/// What happened, in a few words, and what to do about it. The second is general; the hint has the names.
fn known(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "login_refused" => (
            "el inicio de sesión fue rechazado",
            "revise `connection.user` y la contraseña, que la cuenta pueda entrar desde este equipo y que su contraseña no haya vencido",
        ),
        "permission_denied" => (
            "faltan permisos",
            "otorgue a la cuenta del agente permiso de lectura (SELECT, o lectura de la carpeta) sobre lo que se nombra",
        ),
        "not_found" => (
            "no se encuentra",
            "revise en `connection` el nombre de la base de datos, el archivo o la carpeta, y que exista",
        ),
        "missing_table" => (
            "falta una tabla",
            "revise que `connection.database` sea la base de datos del sistema y que el mapeo corresponda a su versión",
        ),
        "missing_column" => (
            "falta una columna",
            "si el sistema fue actualizado, corrija la columna en el mapeo; los demás flujos continúan",
        ),
        "missing_setting" => (
            "falta un ajuste",
            "agregue el ajuste en `[pos.settings]`; `fluxion-agent packs show NOMBRE` los enumera",
        ),
        "invalid_query" => (
            "el servidor no acepta la consulta",
            "corrija el SQL de ese flujo en el mapeo",
        ),
        "invalid_mapping" => (
            "el mapeo no sirve para este conector",
            "corrija el mapeo, o use el conector para el que fue escrito",
        ),
        "table_damaged" => (
            "una tabla está dañada",
            "haga que el técnico del sistema la repare con su propio mantenimiento o la restaure de un respaldo",
        ),
        "host_blocked" => (
            "el servidor bloquea este equipo",
            "hubo demasiadas conexiones fallidas: ejecute `mysqladmin flush-hosts` en el servidor",
        ),
        "tls" => (
            "no se pudo acordar una conexión cifrada",
            "revise el certificado del servidor y los ajustes de cifrado en `connection`",
        ),
        "folder_not_writable" => (
            "no se puede escribir en la carpeta",
            "dé a la cuenta del agente permiso de escritura, o ponga `connection.after_reading` en \"leave\"",
        ),
        "port_in_use" => (
            "otro programa usa el puerto",
            "cierre ese programa, o elija otro puerto en `connection.listen` e indíquelo al POS",
        ),
        "not_our_address" => (
            "la dirección no es de este equipo",
            "ponga en `connection.listen` una dirección de este equipo, o 0.0.0.0 para todas",
        ),
        "port_not_allowed" => (
            "no se permite usar el puerto",
            "elija en `connection.listen` un puerto mayor que 1023",
        ),
        "unsupported" => (
            "este sistema no lo permite",
            "elija otra forma de notar los cambios, u otro conector",
        ),
        "answer_too_large" => (
            "la respuesta es demasiado grande",
            "pida páginas más pequeñas en el mapeo",
        ),
        "page_repeats" => (
            "el servicio repite la misma página",
            "corrija en el mapeo cómo se pide la página siguiente",
        ),
        "not_json" => (
            "la respuesta no es JSON",
            "revise la dirección en `connection` y la ruta en el mapeo",
        ),
        _ => return None,
    })
}

/// What happened, in a few words.
#[must_use]
pub(crate) fn what(error: &SourceError) -> &'static str {
    match &error.remedy {
        Remedy::AskOperator { code, .. } => {
            known(code).map_or("algo debe corregirse", |(what, _)| what)
        }
        Remedy::Retry => "no responde como se espera",
        Remedy::Resnapshot => "hay que leer todo de nuevo",
    }
}

/// What to do about a stream that waits for a person.
#[must_use]
pub(crate) fn halted(pos: &str, stream: &str, halt: &Halt) -> String {
    if halt.code == "delete_brake" {
        return format!(
            "si las eliminaciones son ciertas, ejecute `fluxion-agent confirm-deletes --pos \"{pos}\" --stream {stream}`"
        );
    }
    remedy(&halt.code, halt.hint.as_deref().unwrap_or_default())
}

/// What to do, with the connector's own words behind it.
#[must_use]
pub(crate) fn remedy(code: &str, hint: &str) -> String {
    let todo = known(code).map_or("haga lo que se indica", |(_, todo)| todo);
    format!("{todo}. Detalle técnico (en inglés): {hint}")
}

#[cfg(test)]
mod tests {
    use fluxion_connectors::ConnectorKind;

    use super::*;

    #[test]
    fn every_code_a_connector_promises_has_its_sentence() {
        for code in [
            "missing_column",
            "missing_table",
            "login_refused",
            "permission_denied",
            "not_found",
            "unsupported",
            "missing_setting",
            "invalid_query",
            "invalid_mapping",
            "table_damaged",
            "host_blocked",
            "tls",
            "folder_not_writable",
            "port_in_use",
            "not_our_address",
            "port_not_allowed",
        ] {
            assert!(known(code).is_some(), "{code}");
        }
    }

    #[test]
    fn names_stay_readable_behind_the_sentence_and_an_unknown_code_keeps_its_hint() {
        let said = remedy(
            "missing_column",
            "Column price of stream \"items\" is gone.",
        );
        assert!(said.starts_with("si el sistema fue actualizado"), "{said}");
        assert!(said.contains("Column price"), "{said}");
        assert!(remedy("brand_new", "Turn it on.").contains("Turn it on."));
        let error = SourceError::ask(ConnectorKind::Mysql, "read", "missing_table", "x", "y");
        assert_eq!(what(&error), "falta una tabla");
    }
}
