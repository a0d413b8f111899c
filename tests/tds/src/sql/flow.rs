//! Statements: what kind comes next, and control of flow.

use super::ast::{Expr, Name, Stated, Statement};
use super::lexer::Kind;
use super::parser::{Parsed, Parser};

impl Parser<'_> {
    pub fn statement(&mut self) -> Parsed<Stated> {
        let line = self.line();
        let statement = self.any_statement()?;
        while self.sign(";") {}
        Ok(Stated { line, statement })
    }

    fn any_statement(&mut self) -> Parsed<Statement> {
        match self.upper().as_str() {
            "SELECT" => self.query().map(Statement::Select),
            "WITH" => self.with_common_tables(),
            "INSERT" => self.insert(),
            "UPDATE" if self.is_word_ahead(1, "STATISTICS") => self.ignored(),
            "UPDATE" => self.update(Vec::new()),
            "DELETE" => self.delete(Vec::new()),
            "TRUNCATE" => {
                self.step();
                self.need("TABLE")?;
                self.object_name().map(Statement::Truncate)
            }
            "DECLARE" => self.declare(),
            "SET" => self.set(),
            "IF" => self.if_statement(),
            "WHILE" => {
                self.step();
                let condition = self.expression()?;
                let body = self.statement()?;
                Ok(Statement::While(condition, Box::new(body)))
            }
            "BEGIN" => self.begin(),
            "COMMIT" => {
                self.step();
                self.transaction_word();
                self.transaction_name();
                Ok(Statement::Commit)
            }
            "ROLLBACK" => {
                self.step();
                self.transaction_word();
                Ok(Statement::Rollback(self.transaction_name()))
            }
            "SAVE" => {
                self.step();
                self.transaction_word();
                match self.transaction_name() {
                    Some(name) => Ok(Statement::Save(name)),
                    None => self.fail(),
                }
            }
            "RETURN" => {
                self.step();
                let bare = self.is_end()
                    || self.is_sign_ahead(0, ";")
                    || matches!(self.upper().as_str(), "END" | "ELSE");
                let value = if bare || self.begins_statement() {
                    None
                } else {
                    Some(self.expression()?)
                };
                Ok(Statement::Return(value))
            }
            "BREAK" => self.single(Statement::Break),
            "CONTINUE" => self.single(Statement::Continue),
            "PRINT" => {
                self.step();
                self.expression().map(Statement::Print)
            }
            "RAISERROR" => {
                self.step();
                self.need_sign("(")?;
                let arguments = self.comma_list(Self::expression)?;
                self.need_sign(")")?;
                if self.word("WITH") {
                    self.comma_list(Self::any_word)?;
                }
                Ok(Statement::RaisError(arguments))
            }
            "THROW" => self.throw(),
            "EXEC" | "EXECUTE" => self.execute(),
            "WAITFOR" => {
                self.step();
                self.need("DELAY")?;
                self.expression().map(Statement::WaitFor)
            }
            "USE" => {
                self.step();
                self.name().map(Statement::Use)
            }
            "CREATE" | "ALTER" | "DROP" | "ENABLE" | "DISABLE" | "GRANT" | "DENY" | "REVOKE" => {
                self.definition()
            }
            "CHECKPOINT" | "DBCC" | "BACKUP" => self.ignored(),
            _ => self.fail(),
        }
    }

    fn single(&mut self, statement: Statement) -> Parsed<Statement> {
        self.step();
        Ok(statement)
    }

    /// Passes over a statement that changes nothing here.
    pub fn ignored(&mut self) -> Parsed<Statement> {
        let line = self.line();
        while !self.is_end() && !self.is_sign_ahead(0, ";") && self.line() == line {
            self.step();
        }
        Ok(Statement::Nothing)
    }

    pub fn begins_statement(&self) -> bool {
        matches!(
            self.upper().as_str(),
            "SELECT"
                | "INSERT"
                | "UPDATE"
                | "DELETE"
                | "DECLARE"
                | "SET"
                | "IF"
                | "WHILE"
                | "BEGIN"
                | "EXEC"
                | "EXECUTE"
                | "PRINT"
                | "RETURN"
                | "COMMIT"
                | "ROLLBACK"
                | "CREATE"
                | "DROP"
                | "ALTER"
        )
    }

    fn with_common_tables(&mut self) -> Parsed<Statement> {
        let mark = self.mark();
        let with = self.common_tables()?;
        match self.upper().as_str() {
            "UPDATE" => self.update(with),
            "DELETE" => self.delete(with),
            "SELECT" => {
                self.back(mark);
                self.query().map(Statement::Select)
            }
            _ => self.fail(),
        }
    }

    fn transaction_word(&mut self) {
        if !self.word("TRANSACTION") && !self.word("TRAN") {
            self.word("WORK");
        }
    }

    fn transaction_name(&mut self) -> Option<String> {
        if self.begins_statement() {
            return None;
        }
        if let Ok(name) = self.variable() {
            return Some(name);
        }
        let same_line = matches!(self.peek(), Kind::Word(_) | Kind::Quoted(_));
        if same_line { self.name().ok() } else { None }
    }

    fn begin(&mut self) -> Parsed<Statement> {
        self.step();
        if self.word("TRANSACTION") || self.word("TRAN") {
            self.transaction_name();
            if self.words(&["WITH", "MARK"]) {
                self.text_literal()?;
            }
            return Ok(Statement::Begin);
        }
        if self.word("TRY") {
            let body = self.until_end()?;
            self.need("TRY")?;
            while self.sign(";") {}
            self.need("BEGIN")?;
            self.need("CATCH")?;
            let caught = self.until_end()?;
            self.need("CATCH")?;
            return Ok(Statement::TryCatch(body, caught));
        }
        self.until_end().map(Statement::Block)
    }

    /// Statements up to `END`, which is taken.
    fn until_end(&mut self) -> Parsed<Vec<Stated>> {
        let mut statements = Vec::new();
        loop {
            while self.sign(";") {}
            if self.word("END") {
                return Ok(statements);
            }
            if self.is_end() {
                return self.fail();
            }
            statements.push(self.statement()?);
        }
    }

    fn if_statement(&mut self) -> Parsed<Statement> {
        self.step();
        let condition = self.expression()?;
        let then = self.statement()?;
        let otherwise = if self.word("ELSE") {
            Some(Box::new(self.statement()?))
        } else {
            None
        };
        Ok(Statement::If(condition, Box::new(then), otherwise))
    }

    fn declare(&mut self) -> Parsed<Statement> {
        self.step();
        let line = self.line();
        let declared = self.comma_list(|parser| {
            let name = parser.variable()?;
            parser.word("AS");
            if parser.word("TABLE") {
                let (columns, keys) = parser.table_body()?;
                return Ok(Statement::DeclareTable(name, columns, keys));
            }
            let kind = parser.data_type()?;
            let value = if parser.sign("=") {
                Some(parser.expression()?)
            } else {
                None
            };
            Ok(Statement::Declare(name, kind, value))
        })?;
        let stated = |statement| Stated { line, statement };
        Ok(Statement::Block(declared.into_iter().map(stated).collect()))
    }

    fn set(&mut self) -> Parsed<Statement> {
        self.step();
        if matches!(self.peek(), Kind::Variable(_)) {
            let name = self.variable()?;
            let value = self.assigned(&Expr::Variable(name.clone()))?;
            return Ok(Statement::Assign(name, value));
        }
        let mut words = vec![self.any_word()?];
        let first = words[0].clone();
        loop {
            match self.peek().clone() {
                Kind::Sign(",") => words.push(",".to_owned()),
                Kind::Sign("-") => {
                    self.step();
                    words.push(format!("-{}", self.integer()?));
                    continue;
                }
                Kind::Number(text) => words.push(text),
                Kind::Word(word) | Kind::Quoted(word)
                    if words.len() < 5 && (!self.begins_statement() || words.len() == 1) =>
                {
                    words.push(word.to_uppercase());
                }
                Kind::Text(text, _) => words.push(text),
                Kind::Variable(name) => words.push(name),
                Kind::Sign(".") => {}
                _ => break,
            }
            self.step();
            // An option ends with its value; the next word begins another statement.
            let last = words.last().map_or("", String::as_str);
            let isolation = first == "TRANSACTION";
            let ended = if isolation {
                matches!(
                    last,
                    "UNCOMMITTED" | "COMMITTED" | "SNAPSHOT" | "SERIALIZABLE"
                ) || (last == "READ" && words.iter().any(|w| w == "REPEATABLE"))
            } else {
                let value_is_due = match first.as_str() {
                    "IDENTITY_INSERT" => !matches!(last, "ON" | "OFF"),
                    _ => matches!(last, "," | "IO" | "TIME" | "STATISTICS"),
                };
                words.len() > 1 && !value_is_due && !self.is_sign_ahead(0, ",")
            };
            if ended {
                break;
            }
        }
        Ok(Statement::SetOption(words))
    }

    fn throw(&mut self) -> Parsed<Statement> {
        self.step();
        let bare = self.is_end() || self.is_sign_ahead(0, ";") || self.is_word("END");
        if bare {
            return Ok(Statement::Throw(None));
        }
        let number = self.sum()?;
        self.need_sign(",")?;
        let message = self.sum()?;
        self.need_sign(",")?;
        let state = self.sum()?;
        Ok(Statement::Throw(Some([number, message, state])))
    }

    fn execute(&mut self) -> Parsed<Statement> {
        self.step();
        if self.sign("(") {
            let text = self.expression()?;
            self.need_sign(")")?;
            return Ok(Statement::ExecuteText(text));
        }
        if matches!(self.peek(), Kind::Variable(_)) && self.is_sign_ahead(1, "=") {
            self.step();
            self.step();
        }
        let name: Name = self.object_name()?;
        let mut arguments = Vec::new();
        let ended = |parser: &Self| {
            parser.is_end()
                || parser.is_sign_ahead(0, ";")
                || (matches!(parser.peek(), Kind::Word(_))
                    && (parser.begins_statement() || parser.is_word("END")))
        };
        if !ended(self) {
            arguments = self.comma_list(|parser| {
                let name =
                    if matches!(parser.peek(), Kind::Variable(_)) && parser.is_sign_ahead(1, "=") {
                        let name = parser.variable()?;
                        parser.step();
                        Some(name)
                    } else {
                        None
                    };
                let value = parser.expression()?;
                if !parser.word("OUTPUT") {
                    parser.word("OUT");
                }
                Ok((name, value))
            })?;
        }
        Ok(Statement::Execute { name, arguments })
    }
}
