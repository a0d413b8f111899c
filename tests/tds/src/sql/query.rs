//! Queries, and the statements that change rows.

use super::ast::{
    Body, Combine, Common, Delete, Insert, InsertFrom, Item, Join, JoinKind, Output, Query, Select,
    Sort, Source, SourceKind, Statement, Target, Update,
};
use super::ast::{Expr, Name};
use super::lexer::Kind;
use super::parser::{Parsed, Parser};

impl Parser<'_> {
    pub fn query(&mut self) -> Parsed<Query> {
        let with = self.common_tables()?;
        let body = self.body()?;
        self.rest_of_query(with, body)
    }

    pub fn rest_of_query(&mut self, with: Vec<Common>, body: Body) -> Parsed<Query> {
        let mut query = Query {
            with,
            body,
            order: Vec::new(),
            offset: None,
            fetch: None,
        };
        if self.words(&["ORDER", "BY"]) {
            query.order = self.comma_list(Self::sort)?;
            if self.word("OFFSET") {
                query.offset = Some(self.sum()?);
                self.rows_word();
                if self.word("FETCH") {
                    if !self.word("NEXT") {
                        self.need("FIRST")?;
                    }
                    query.fetch = Some(self.sum()?);
                    self.rows_word();
                    self.need("ONLY")?;
                }
            }
        }
        self.option_clause()?;
        Ok(query)
    }

    fn rows_word(&mut self) {
        if !self.word("ROWS") {
            self.word("ROW");
        }
    }

    /// `OPTION (RECOMPILE, MAXDOP 1)`, which changes nothing here.
    fn option_clause(&mut self) -> Parsed<()> {
        if self.is_word("OPTION") && self.is_sign_ahead(1, "(") {
            self.step();
            self.skip_brackets()?;
        }
        Ok(())
    }

    /// Passes over everything in a pair of brackets.
    pub fn skip_brackets(&mut self) -> Parsed<()> {
        self.need_sign("(")?;
        let mut depth = 1;
        while depth > 0 {
            match self.peek() {
                Kind::Sign("(") => depth += 1,
                Kind::Sign(")") => depth -= 1,
                Kind::End => return self.fail(),
                _ => {}
            }
            self.step();
        }
        Ok(())
    }

    pub fn sort(&mut self) -> Parsed<Sort> {
        let by = self.expression()?;
        let descending = self.word("DESC");
        if !descending {
            self.word("ASC");
        }
        Ok(Sort { by, descending })
    }

    pub fn common_tables(&mut self) -> Parsed<Vec<Common>> {
        if !self.word("WITH") {
            return Ok(Vec::new());
        }
        self.comma_list(|parser| {
            let name = parser.name()?;
            let columns = if parser.is_sign_ahead(0, "(") {
                parser.name_list()?
            } else {
                Vec::new()
            };
            parser.need("AS")?;
            parser.need_sign("(")?;
            let query = parser.query()?;
            parser.need_sign(")")?;
            Ok(Common {
                name,
                columns,
                query,
            })
        })
    }

    fn body(&mut self) -> Parsed<Body> {
        let mut left = self.body_operand()?;
        loop {
            let how = if self.word("UNION") {
                if self.word("ALL") {
                    Combine::UnionAll
                } else {
                    Combine::Union
                }
            } else if self.word("EXCEPT") {
                Combine::Except
            } else if self.word("INTERSECT") {
                Combine::Intersect
            } else {
                return Ok(left);
            };
            let right = self.body_operand()?;
            left = Body::Combined {
                left: Box::new(left),
                right: Box::new(right),
                how,
            };
        }
    }

    fn body_operand(&mut self) -> Parsed<Body> {
        if self.sign("(") {
            let body = self.body()?;
            self.need_sign(")")?;
            return Ok(body);
        }
        if self.is_word("VALUES") {
            return Ok(Body::Values(self.values()?));
        }
        self.select().map(|select| Body::Select(Box::new(select)))
    }

    pub fn values(&mut self) -> Parsed<Vec<Vec<Expr>>> {
        self.need("VALUES")?;
        self.comma_list(|parser| {
            parser.need_sign("(")?;
            let row = parser.comma_list(Self::expression)?;
            parser.need_sign(")")?;
            Ok(row)
        })
    }

    fn select(&mut self) -> Parsed<Select> {
        self.need("SELECT")?;
        let distinct = self.word("DISTINCT");
        self.word("ALL");
        let top = self.top()?;
        let items = self.comma_list(Self::item)?;
        if self.is_word("INTO") {
            return self.fail();
        }
        let from = if self.word("FROM") {
            self.from()?
        } else {
            Vec::new()
        };
        let filter = if self.word("WHERE") {
            Some(self.expression()?)
        } else {
            None
        };
        let group = if self.words(&["GROUP", "BY"]) {
            self.comma_list(Self::expression)?
        } else {
            Vec::new()
        };
        let having = if self.word("HAVING") {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(Select {
            distinct,
            top,
            items,
            from,
            filter,
            group,
            having,
        })
    }

    fn top(&mut self) -> Parsed<Option<Expr>> {
        if !self.word("TOP") {
            return Ok(None);
        }
        let count = if self.sign("(") {
            let count = self.expression()?;
            self.need_sign(")")?;
            count
        } else {
            let number = self.integer()?;
            Expr::Literal(
                crate::data::value::Value::Int(number),
                crate::data::types::SqlType::BigInt,
            )
        };
        if self.is_word("PERCENT") {
            return self.fail();
        }
        Ok(Some(count))
    }

    pub fn item(&mut self) -> Parsed<Item> {
        if self.sign("*") {
            return Ok(Item::Star(None));
        }
        // `alias.*`
        if matches!(self.peek(), Kind::Word(_) | Kind::Quoted(_))
            && self.is_sign_ahead(1, ".")
            && self.is_sign_ahead(2, "*")
        {
            let alias = self.loose_name()?;
            self.step();
            self.step();
            return Ok(Item::Star(Some(alias)));
        }
        // `@variable = expression`
        if matches!(self.peek(), Kind::Variable(name) if !name.starts_with("@@"))
            && self.is_sign_ahead(1, "=")
        {
            let variable = self.variable()?;
            self.step();
            let of = self.expression()?;
            return Ok(Item::Assign { variable, of });
        }
        // `alias = expression`
        if matches!(self.peek(), Kind::Quoted(_) | Kind::Word(_)) && self.is_sign_ahead(1, "=") {
            let alias = self.loose_name()?;
            self.step();
            let of = self.expression()?;
            return Ok(Item::Value {
                of,
                alias: Some(alias),
            });
        }
        let of = self.expression()?;
        let alias = self.alias()?;
        Ok(Item::Value { of, alias })
    }

    pub fn from(&mut self) -> Parsed<Vec<Join>> {
        let mut joins = Vec::new();
        loop {
            joins.push(Join {
                kind: JoinKind::Inner,
                source: self.source()?,
                on: None,
            });
            while let Some(kind) = self.join_kind()? {
                let source = self.source()?;
                let on = if self.word("ON") {
                    Some(self.expression()?)
                } else {
                    None
                };
                joins.push(Join { kind, source, on });
            }
            if !self.sign(",") {
                return Ok(joins);
            }
        }
    }

    fn join_kind(&mut self) -> Parsed<Option<JoinKind>> {
        let outer = |parser: &mut Self, kind| {
            parser.step();
            parser.word("OUTER");
            parser.need("JOIN")?;
            Ok(Some(kind))
        };
        if self.word("JOIN") || self.words(&["INNER", "JOIN"]) || self.words(&["CROSS", "JOIN"]) {
            return Ok(Some(JoinKind::Inner));
        }
        if self.words(&["CROSS", "APPLY"]) {
            return Ok(Some(JoinKind::CrossApply));
        }
        if self.words(&["OUTER", "APPLY"]) {
            return Ok(Some(JoinKind::OuterApply));
        }
        match self.upper().as_str() {
            "LEFT" => outer(self, JoinKind::Left),
            "RIGHT" => outer(self, JoinKind::Right),
            "FULL" => outer(self, JoinKind::Full),
            _ => Ok(None),
        }
    }

    fn source(&mut self) -> Parsed<Source> {
        let kind = if self.sign("(") {
            let query = self.query()?;
            self.need_sign(")")?;
            SourceKind::Derived(Box::new(query))
        } else if self.is_word("CHANGETABLE") {
            self.change_table()?
        } else if matches!(self.peek(), Kind::Variable(_)) {
            SourceKind::Variable(self.variable()?)
        } else {
            let name = self.object_name()?;
            if self.is_sign_ahead(0, "(") {
                self.table_function(name)?
            } else {
                SourceKind::Table(name)
            }
        };
        let mut hints = self.hints()?;
        let alias = self.alias()?;
        let columns = if alias.is_some() && self.is_sign_ahead(0, "(") && !is_hint(self.ahead(1)) {
            self.name_list()?
        } else {
            Vec::new()
        };
        hints.extend(self.hints()?);
        Ok(Source {
            kind,
            alias,
            columns,
            hints,
        })
    }

    fn table_function(&mut self, name: Name) -> Parsed<SourceKind> {
        // `FROM t (NOLOCK)`, the old way of giving a hint.
        if is_hint(self.ahead(1)) {
            return Ok(SourceKind::Table(name));
        }
        self.need_sign("(")?;
        let arguments = if self.is_sign_ahead(0, ")") {
            Vec::new()
        } else {
            self.comma_list(Self::expression)?
        };
        self.need_sign(")")?;
        Ok(SourceKind::Function { name, arguments })
    }

    fn change_table(&mut self) -> Parsed<SourceKind> {
        self.step();
        self.need_sign("(")?;
        let kind = if self.word("CHANGES") {
            let table = self.object_name()?;
            self.need_sign(",")?;
            let since = self.expression()?;
            SourceKind::Changes { table, since }
        } else {
            self.need("VERSION")?;
            let table = self.object_name()?;
            self.need_sign(",")?;
            self.name_list()?;
            self.need_sign(",")?;
            self.need_sign("(")?;
            let values = self.comma_list(Self::expression)?;
            self.need_sign(")")?;
            SourceKind::Version { table, values }
        };
        if self.sign(",") {
            self.need("FORCESEEK")?;
        }
        self.need_sign(")")?;
        Ok(kind)
    }

    /// `WITH (NOLOCK, INDEX(x))` or `(NOLOCK)`.
    pub fn hints(&mut self) -> Parsed<Vec<String>> {
        let with = self.is_word("WITH") && self.is_sign_ahead(1, "(");
        let bare = self.is_sign_ahead(0, "(") && is_hint(self.ahead(1));
        if !with && !bare {
            return Ok(Vec::new());
        }
        if with {
            self.step();
        }
        self.need_sign("(")?;
        let mut hints = Vec::new();
        loop {
            hints.push(self.any_word()?);
            if self.is_sign_ahead(0, "(") {
                self.skip_brackets()?;
            } else if self.sign("=") {
                self.loose_name()?;
            }
            if !self.sign(",") && self.is_sign_ahead(0, ")") {
                break;
            }
        }
        self.need_sign(")")?;
        Ok(hints)
    }

    pub fn insert(&mut self) -> Parsed<Statement> {
        self.need("INSERT")?;
        self.top()?;
        self.word("INTO");
        let into = if matches!(self.peek(), Kind::Variable(_)) {
            SourceKind::Variable(self.variable()?)
        } else {
            SourceKind::Table(self.object_name()?)
        };
        self.hints()?;
        let columns = if self.is_sign_ahead(0, "(") && !self.is_word_ahead(1, "SELECT") {
            self.name_list()?
        } else {
            Vec::new()
        };
        let output = self.output()?;
        let from = if self.words(&["DEFAULT", "VALUES"]) {
            InsertFrom::DefaultValues
        } else if self.is_word("VALUES") {
            InsertFrom::Rows(self.values()?)
        } else {
            InsertFrom::Query(Box::new(self.query()?))
        };
        self.option_clause()?;
        Ok(Statement::Insert(Insert {
            into,
            columns,
            output,
            from,
        }))
    }

    fn output(&mut self) -> Parsed<Option<Output>> {
        if !self.word("OUTPUT") {
            return Ok(None);
        }
        let items = self.comma_list(Self::item)?;
        let into = if self.word("INTO") {
            let kind = if matches!(self.peek(), Kind::Variable(_)) {
                SourceKind::Variable(self.variable()?)
            } else {
                SourceKind::Table(self.object_name()?)
            };
            let columns = if self.is_sign_ahead(0, "(") {
                self.name_list()?
            } else {
                Vec::new()
            };
            Some(Source {
                kind,
                alias: None,
                columns,
                hints: Vec::new(),
            })
        } else {
            None
        };
        Ok(Some(Output { items, into }))
    }

    pub fn update(&mut self, with: Vec<Common>) -> Parsed<Statement> {
        self.need("UPDATE")?;
        let top = self.top()?;
        let table = self.object_name()?;
        let hints = self.hints()?;
        self.need("SET")?;
        let set = self.comma_list(|parser| {
            let mut column = parser.loose_name()?;
            while parser.sign(".") {
                column = parser.loose_name()?;
            }
            let value = parser.assigned(&Expr::Column(vec![column.clone()]))?;
            Ok((column, value))
        })?;
        let output = self.output()?;
        let target = self.target(table, hints, top, with)?;
        Ok(Statement::Update(Update {
            target,
            set,
            output,
        }))
    }

    /// `= value`, `+= value`.
    pub fn assigned(&mut self, current: &Expr) -> Parsed<Expr> {
        use super::ast::BinaryOp::{Add, Divide, Multiply, Subtract};
        for (sign, op) in [
            ("+=", Add),
            ("-=", Subtract),
            ("*=", Multiply),
            ("/=", Divide),
        ] {
            if self.sign(sign) {
                let value = self.expression()?;
                return Ok(Expr::Binary(op, Box::new(current.clone()), Box::new(value)));
            }
        }
        self.need_sign("=")?;
        self.expression()
    }

    pub fn delete(&mut self, with: Vec<Common>) -> Parsed<Statement> {
        self.need("DELETE")?;
        let top = self.top()?;
        self.word("FROM");
        let table = self.object_name()?;
        let hints = self.hints()?;
        let output = self.output()?;
        let target = self.target(table, hints, top, with)?;
        Ok(Statement::Delete(Delete { target, output }))
    }

    fn target(
        &mut self,
        table: Name,
        hints: Vec<String>,
        top: Option<Expr>,
        with: Vec<Common>,
    ) -> Parsed<Target> {
        let from = if self.word("FROM") {
            self.from()?
        } else {
            Vec::new()
        };
        let filter = if self.word("WHERE") {
            Some(self.expression()?)
        } else {
            None
        };
        self.option_clause()?;
        Ok(Target {
            table,
            hints,
            top,
            with,
            from,
            filter,
        })
    }
}

fn is_hint(kind: &Kind) -> bool {
    const HINTS: &[&str] = &[
        "NOLOCK",
        "READUNCOMMITTED",
        "READCOMMITTED",
        "READCOMMITTEDLOCK",
        "READPAST",
        "ROWLOCK",
        "PAGLOCK",
        "TABLOCK",
        "TABLOCKX",
        "UPDLOCK",
        "XLOCK",
        "HOLDLOCK",
        "SERIALIZABLE",
        "REPEATABLEREAD",
        "FORCESEEK",
        "FORCESCAN",
        "INDEX",
        "SNAPSHOT",
    ];
    matches!(kind, Kind::Word(word) if HINTS.iter().any(|hint| word.eq_ignore_ascii_case(hint)))
}
