//! Statements that define: tables, indexes, triggers, views, databases, logins, permissions.

use super::ast::{
    AlterTable, ColumnDef, Grant, KeyDef, Name, ObjectKind, Stated, Statement, TriggerDef,
};
use super::lexer::Kind;
use super::parser::{Parsed, Parser};
use crate::data::types::SqlType;

impl Parser<'_> {
    pub fn definition(&mut self) -> Parsed<Statement> {
        let start = self.position();
        match self.any_word()?.as_str() {
            "CREATE" => self.create(start),
            "ALTER" => self.alter(start),
            "DROP" => self.drop_statement(),
            "ENABLE" => self.toggle_trigger(true),
            "DISABLE" => self.toggle_trigger(false),
            "GRANT" => self.grant(Grant::Allow),
            "DENY" => self.grant(Grant::Deny),
            _ => self.grant(Grant::Revoke),
        }
    }

    fn create(&mut self, start: usize) -> Parsed<Statement> {
        let replace = self.words(&["OR", "ALTER"]);
        let unique = self.word("UNIQUE");
        if !self.word("CLUSTERED") {
            self.word("NONCLUSTERED");
        }
        match self.any_word()?.as_str() {
            "TABLE" => {
                let name = self.object_name()?;
                let (columns, keys) = self.table_body()?;
                self.table_options()?;
                Ok(Statement::CreateTable(name, columns, keys))
            }
            "INDEX" => self.create_index(unique),
            "TRIGGER" => self.trigger(start, replace),
            "VIEW" => self.view(start, replace),
            "SCHEMA" => {
                let name = self.name()?;
                if self.word("AUTHORIZATION") {
                    self.name()?;
                }
                Ok(Statement::CreateSchema(name))
            }
            "DATABASE" => {
                let name = self.name()?;
                let collation = if self.is_word("COLLATE") {
                    Some(self.collation()?)
                } else {
                    None
                };
                Ok(Statement::CreateDatabase { name, collation })
            }
            "LOGIN" => {
                let name = self.name()?;
                self.need("WITH")?;
                self.need("PASSWORD")?;
                self.need_sign("=")?;
                let password = self.text_literal()?;
                self.ignored()?;
                Ok(Statement::CreateLogin { name, password })
            }
            "USER" | "ROLE" | "STATISTICS" => self.ignored(),
            _ => self.fail(),
        }
    }

    /// `ON [PRIMARY] TEXTIMAGE_ON [PRIMARY] WITH (...)`.
    fn table_options(&mut self) -> Parsed<()> {
        loop {
            if self.is_word("WITH") && self.is_sign_ahead(1, "(") {
                self.step();
                self.skip_brackets()?;
            } else if self.word("ON") || self.word("TEXTIMAGE_ON") {
                self.loose_name()?;
            } else {
                return Ok(());
            }
        }
    }

    /// `(columns, keys)`.
    pub fn table_body(&mut self) -> Parsed<(Vec<ColumnDef>, Vec<KeyDef>)> {
        self.need_sign("(")?;
        let mut columns = Vec::new();
        let mut keys = Vec::new();
        loop {
            if self.is_sign_ahead(0, ")") {
                break;
            }
            match self.upper().as_str() {
                "CONSTRAINT" | "PRIMARY" | "UNIQUE" | "FOREIGN" | "CHECK" => {
                    if let AlterTable::AddKey(key) = self.table_constraint()? {
                        keys.push(key);
                    }
                }
                _ => columns.push(self.column()?),
            }
            if !self.sign(",") {
                break;
            }
        }
        self.need_sign(")")?;
        Ok((columns, keys))
    }

    /// A constraint with or without a name: a key, a default, or one that is accepted and not watched over.
    fn table_constraint(&mut self) -> Parsed<AlterTable> {
        let name = if self.word("CONSTRAINT") {
            Some(self.name()?)
        } else {
            None
        };
        let constraint = match self.any_word()?.as_str() {
            word @ ("PRIMARY" | "UNIQUE") => {
                let primary = word == "PRIMARY";
                if primary {
                    self.need("KEY")?;
                }
                if !self.word("CLUSTERED") {
                    self.word("NONCLUSTERED");
                }
                AlterTable::AddKey(KeyDef {
                    name,
                    primary,
                    unique: true,
                    columns: self.name_list()?,
                })
            }
            "FOREIGN" => {
                self.need("KEY")?;
                self.name_list()?;
                self.references()?;
                AlterTable::AddIgnored
            }
            "CHECK" => {
                self.skip_brackets()?;
                AlterTable::AddIgnored
            }
            "DEFAULT" => {
                let value = self.expression()?;
                self.need("FOR")?;
                AlterTable::AddDefault {
                    column: self.loose_name()?,
                    value,
                }
            }
            _ => return self.fail(),
        };
        self.table_options()?;
        Ok(constraint)
    }

    fn references(&mut self) -> Parsed<()> {
        self.need("REFERENCES")?;
        self.object_name()?;
        if self.is_sign_ahead(0, "(") {
            self.name_list()?;
        }
        while self.is_word("ON")
            && (self.is_word_ahead(1, "DELETE") || self.is_word_ahead(1, "UPDATE"))
        {
            self.step();
            self.step();
            if !self.words(&["NO", "ACTION"]) && !self.words(&["SET", "NULL"]) {
                self.any_word()?;
            }
        }
        Ok(())
    }

    fn column(&mut self) -> Parsed<ColumnDef> {
        let name = self.loose_name()?;
        let mut column = ColumnDef {
            name,
            kind: SqlType::Int,
            nullable: None,
            identity: None,
            default: None,
            computed: None,
            primary: false,
            unique: false,
        };
        if self.word("AS") {
            column.computed = Some(self.expression()?);
            self.word("PERSISTED");
        } else if self.is_word("TIMESTAMP")
            && (self.is_sign_ahead(1, ",") || self.is_sign_ahead(1, ")"))
        {
            self.step();
            column.kind = SqlType::rowversion();
        } else {
            column.kind = self.data_type()?;
        }
        while self.column_option(&mut column)? {}
        Ok(column)
    }

    fn column_option(&mut self, column: &mut ColumnDef) -> Parsed<bool> {
        if self.word("CONSTRAINT") {
            self.name()?;
        }
        match self.upper().as_str() {
            "NOT" => {
                self.step();
                if self.words(&["FOR", "REPLICATION"]) {
                    return Ok(true);
                }
                self.need("NULL")?;
                column.nullable = Some(false);
            }
            "NULL" => {
                self.step();
                column.nullable = Some(true);
            }
            "IDENTITY" => {
                self.step();
                column.identity = Some((1, 1));
                if self.sign("(") {
                    let seed = self.integer()?;
                    self.need_sign(",")?;
                    let step = self.integer()?;
                    self.need_sign(")")?;
                    column.identity = Some((seed, step));
                }
            }
            "DEFAULT" => {
                self.step();
                column.default = Some(self.sum()?);
                self.words(&["WITH", "VALUES"]);
            }
            word @ ("PRIMARY" | "UNIQUE") => {
                let primary = word == "PRIMARY";
                self.step();
                if primary {
                    self.need("KEY")?;
                    column.primary = true;
                } else {
                    column.unique = true;
                }
                if !self.word("CLUSTERED") {
                    self.word("NONCLUSTERED");
                }
                self.table_options()?;
            }
            "REFERENCES" => self.references()?,
            "FOREIGN" => {
                self.step();
                self.need("KEY")?;
                self.references()?;
            }
            "CHECK" => {
                self.step();
                self.skip_brackets()?;
            }
            "ROWGUIDCOL" | "SPARSE" => self.step(),
            "COLLATE" => {
                let collation = self.collation()?;
                if let SqlType::Text { kind, length, .. } = column.kind {
                    column.kind = SqlType::Text {
                        kind,
                        length,
                        collation,
                    };
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn create_index(&mut self, unique: bool) -> Parsed<Statement> {
        let name = self.name()?;
        self.need("ON")?;
        let table = self.object_name()?;
        let columns = self.name_list()?;
        if self.word("INCLUDE") {
            self.name_list()?;
        }
        if self.word("WHERE") {
            self.expression()?;
        }
        self.table_options()?;
        Ok(Statement::CreateIndex {
            name,
            table,
            unique,
            columns,
        })
    }

    fn trigger(&mut self, start: usize, replace: bool) -> Parsed<Statement> {
        let name = self.object_name()?;
        self.need("ON")?;
        let table = self.object_name()?;
        if self.word("WITH") {
            self.need("EXECUTE")?;
            self.need("AS")?;
            if self.text_literal().is_err() {
                self.any_word()?;
            }
        }
        if !self.word("AFTER") {
            self.need("FOR")?;
        }
        let events = self.comma_list(Self::any_word)?;
        self.words(&["NOT", "FOR", "REPLICATION"]);
        self.need("AS")?;
        let body = self.rest_of_batch()?;
        Ok(Statement::CreateTrigger(TriggerDef {
            name,
            table,
            insert: events.iter().any(|event| event == "INSERT"),
            update: events.iter().any(|event| event == "UPDATE"),
            delete: events.iter().any(|event| event == "DELETE"),
            body,
            text: self.text[start..].trim().to_owned(),
            replace,
        }))
    }

    /// The rest of the batch.
    fn rest_of_batch(&mut self) -> Parsed<Vec<Stated>> {
        let mut body = Vec::new();
        loop {
            while self.sign(";") {}
            if self.is_end() {
                return Ok(body);
            }
            body.push(self.statement()?);
        }
    }

    fn view(&mut self, start: usize, replace: bool) -> Parsed<Statement> {
        let name = self.object_name()?;
        let columns = if self.is_sign_ahead(0, "(") {
            self.name_list()?
        } else {
            Vec::new()
        };
        if self.word("WITH") {
            self.any_word()?;
        }
        self.need("AS")?;
        let query = self.query()?;
        Ok(Statement::CreateView {
            name,
            columns,
            query,
            text: self.text[start..].trim().to_owned(),
            replace,
        })
    }

    fn alter(&mut self, start: usize) -> Parsed<Statement> {
        match self.any_word()?.as_str() {
            "TABLE" => {
                let name = self.object_name()?;
                self.alter_table()
                    .map(|how| Statement::AlterTable(name, how))
            }
            "TRIGGER" => self.trigger(start, true),
            "VIEW" => self.view(start, true),
            "DATABASE" => {
                let name = if self.word("CURRENT") {
                    None
                } else {
                    Some(self.name()?)
                };
                let words = self.database_options();
                Ok(Statement::AlterDatabase(name, words))
            }
            "INDEX" | "ROLE" | "USER" | "LOGIN" | "AUTHORIZATION" => self.ignored(),
            _ => self.fail(),
        }
    }

    /// The words up to the next statement; signs are left out.
    fn database_options(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        let mut depth = 0;
        while !self.is_end() && !self.is_sign_ahead(0, ";") {
            let next = depth == 0 && !words.is_empty() && self.begins_statement();
            if next {
                break;
            }
            match self.peek().clone() {
                Kind::Word(word) | Kind::Quoted(word) => words.push(word.to_uppercase()),
                Kind::Number(number) => words.push(number),
                Kind::Sign("(") => depth += 1,
                Kind::Sign(")") => depth -= 1,
                _ => {}
            }
            self.step();
        }
        words
    }

    fn alter_table(&mut self) -> Parsed<AlterTable> {
        if !self.words(&["WITH", "NOCHECK"]) {
            self.words(&["WITH", "CHECK"]);
        }
        match self.any_word()?.as_str() {
            "ADD" => match self.upper().as_str() {
                "CONSTRAINT" | "PRIMARY" | "UNIQUE" | "FOREIGN" | "CHECK" | "DEFAULT" => {
                    self.table_constraint()
                }
                _ => self.column().map(AlterTable::AddColumn),
            },
            "ALTER" => {
                self.need("COLUMN")?;
                let name = self.loose_name()?;
                let kind = self.data_type()?;
                let nullable = if self.words(&["NOT", "NULL"]) {
                    Some(false)
                } else if self.word("NULL") {
                    Some(true)
                } else {
                    None
                };
                Ok(AlterTable::AlterColumn {
                    name,
                    kind,
                    nullable,
                })
            }
            "DROP" => {
                let column = self.word("COLUMN");
                if !column {
                    self.word("CONSTRAINT");
                }
                self.words(&["IF", "EXISTS"]);
                let name = self.loose_name()?;
                Ok(if column {
                    AlterTable::DropColumn(name)
                } else {
                    AlterTable::DropConstraint(name)
                })
            }
            "SET" => {
                self.skip_brackets()?;
                Ok(AlterTable::AddIgnored)
            }
            word @ ("ENABLE" | "DISABLE") => {
                let enabled = word == "ENABLE";
                if self.word("CHANGE_TRACKING") {
                    if self.word("WITH") {
                        self.skip_brackets()?;
                    }
                    return Ok(AlterTable::ChangeTracking(enabled));
                }
                self.need("TRIGGER")?;
                let name = if self.word("ALL") {
                    None
                } else {
                    Some(self.name()?)
                };
                Ok(AlterTable::Trigger { name, enabled })
            }
            "CHECK" | "NOCHECK" => {
                self.need("CONSTRAINT")?;
                self.loose_name()?;
                Ok(AlterTable::AddIgnored)
            }
            _ => self.fail(),
        }
    }

    fn toggle_trigger(&mut self, enabled: bool) -> Parsed<Statement> {
        self.need("TRIGGER")?;
        let name = if self.word("ALL") {
            None
        } else {
            Some(self.object_name()?.object)
        };
        self.need("ON")?;
        let table = self.object_name()?;
        Ok(Statement::AlterTable(
            table,
            AlterTable::Trigger { name, enabled },
        ))
    }

    fn drop_statement(&mut self) -> Parsed<Statement> {
        let what = self.any_word()?;
        let lenient = self.words(&["IF", "EXISTS"]);
        let kind = match what.as_str() {
            "TABLE" => ObjectKind::Table,
            "VIEW" => ObjectKind::View,
            "TRIGGER" => ObjectKind::Trigger,
            "INDEX" => {
                let name = self.object_name()?;
                if let Some(table) = name.schema.filter(|_| !self.is_word("ON")) {
                    return Ok(Statement::DropIndex {
                        name: name.object,
                        table: Name {
                            database: None,
                            schema: name.database,
                            object: table,
                        },
                        lenient,
                    });
                }
                self.need("ON")?;
                let table = self.object_name()?;
                return Ok(Statement::DropIndex {
                    name: name.object,
                    table,
                    lenient,
                });
            }
            "DATABASE" => return self.name().map(Statement::DropDatabase),
            "LOGIN" | "USER" | "ROLE" | "SCHEMA" => return self.ignored(),
            _ => return self.fail(),
        };
        let names = self.comma_list(Self::object_name)?;
        if self.word("ON") {
            self.object_name()?;
        }
        Ok(Statement::Drop {
            kind,
            names,
            lenient,
        })
    }

    fn grant(&mut self, how: Grant) -> Parsed<Statement> {
        let mut permissions = Vec::new();
        loop {
            let mut words = vec![self.any_word()?];
            while !self.is_word("ON")
                && !self.is_word("TO")
                && !self.is_word("FROM")
                && !self.is_sign_ahead(0, ",")
            {
                words.push(self.any_word()?);
            }
            permissions.push(words.join(" "));
            if !self.sign(",") {
                break;
            }
        }
        let mut on = None;
        if self.word("ON") {
            let class = matches!(self.upper().as_str(), "OBJECT" | "SCHEMA" | "DATABASE")
                && self.is_sign_ahead(1, "::");
            let whole = class && !self.is_word("OBJECT");
            if class {
                self.step();
                self.step();
            }
            let name = self.object_name()?;
            on = Some(name).filter(|_| !whole);
        }
        if !self.word("TO") {
            self.need("FROM")?;
        }
        let to = self.loose_name()?;
        self.words(&["WITH", "GRANT", "OPTION"]);
        Ok(Statement::Grant {
            how,
            permissions,
            on,
            to,
        })
    }
}
