//! Expressions and conditions.

use super::ast::{BinaryOp, Expr, UnaryOp};
use super::lexer::Kind;
use super::parser::{Parsed, Parser};
use crate::data::decimal::Decimal;
use crate::data::types::SqlType;
use crate::data::value::Value;

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    Expr::Binary(op, Box::new(left), Box::new(right))
}

fn negate(expression: Expr) -> Expr {
    Expr::Unary(UnaryOp::Not, Box::new(expression))
}

impl Parser<'_> {
    pub fn expression(&mut self) -> Parsed<Expr> {
        let mut left = self.conjunction()?;
        while self.word("OR") {
            left = binary(BinaryOp::Or, left, self.conjunction()?);
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Parsed<Expr> {
        let mut left = self.negation()?;
        while self.word("AND") {
            left = binary(BinaryOp::And, left, self.negation()?);
        }
        Ok(left)
    }

    fn negation(&mut self) -> Parsed<Expr> {
        if self.word("NOT") {
            return Ok(negate(self.negation()?));
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Parsed<Expr> {
        let left = self.sum()?;
        let comparison = match self.peek() {
            Kind::Sign("=") => Some(BinaryOp::Equal),
            Kind::Sign("<>" | "!=") => Some(BinaryOp::NotEqual),
            Kind::Sign("<") => Some(BinaryOp::Less),
            Kind::Sign("<=" | "!>") => Some(BinaryOp::LessEqual),
            Kind::Sign(">") => Some(BinaryOp::Greater),
            Kind::Sign(">=" | "!<") => Some(BinaryOp::GreaterEqual),
            _ => None,
        };
        if let Some(op) = comparison {
            self.step();
            return Ok(binary(op, left, self.sum()?));
        }
        if self.word("IS") {
            let negated = self.word("NOT");
            self.need("NULL")?;
            return Ok(Expr::IsNull {
                of: Box::new(left),
                negated,
            });
        }
        let negated = self.is_word("NOT")
            && ["IN", "LIKE", "BETWEEN"]
                .iter()
                .any(|word| self.is_word_ahead(1, word));
        if negated {
            self.step();
        }
        if self.word("IN") {
            return self.membership(left, negated);
        }
        if self.word("LIKE") {
            let pattern = self.sum()?;
            let escape = if self.word("ESCAPE") {
                Some(Box::new(self.sum()?))
            } else {
                None
            };
            return Ok(Expr::Like {
                of: Box::new(left),
                pattern: Box::new(pattern),
                escape,
                negated,
            });
        }
        if self.word("BETWEEN") {
            let low = self.sum()?;
            self.need("AND")?;
            let high = self.sum()?;
            let within = binary(
                BinaryOp::And,
                binary(BinaryOp::GreaterEqual, left.clone(), low),
                binary(BinaryOp::LessEqual, left, high),
            );
            return Ok(if negated { negate(within) } else { within });
        }
        Ok(left)
    }

    fn membership(&mut self, left: Expr, negated: bool) -> Parsed<Expr> {
        self.need_sign("(")?;
        let of = Box::new(left);
        let found = if self.is_word("SELECT") || self.is_word("WITH") {
            Expr::InQuery {
                of,
                query: Box::new(self.query()?),
                negated,
            }
        } else {
            Expr::In {
                of,
                list: self.comma_list(Self::expression)?,
                negated,
            }
        };
        self.need_sign(")")?;
        Ok(found)
    }

    pub fn sum(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                Kind::Sign("+") => BinaryOp::Add,
                Kind::Sign("-") => BinaryOp::Subtract,
                Kind::Sign("&") => BinaryOp::BitAnd,
                Kind::Sign("|") => BinaryOp::BitOr,
                Kind::Sign("^") => BinaryOp::BitXor,
                _ => return Ok(left),
            };
            self.step();
            left = binary(op, left, self.product()?);
        }
    }

    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.factor()?;
        loop {
            let op = match self.peek() {
                Kind::Sign("*") => BinaryOp::Multiply,
                Kind::Sign("/") => BinaryOp::Divide,
                Kind::Sign("%") => BinaryOp::Modulo,
                _ => return Ok(left),
            };
            self.step();
            left = binary(op, left, self.factor()?);
        }
    }

    fn factor(&mut self) -> Parsed<Expr> {
        if self.sign("-") {
            return Ok(Expr::Unary(UnaryOp::Minus, Box::new(self.factor()?)));
        }
        if self.sign("+") {
            return self.factor();
        }
        if self.sign("~") {
            return Ok(Expr::Unary(UnaryOp::BitNot, Box::new(self.factor()?)));
        }
        let mut value = self.primary()?;
        while self.is_word("COLLATE") {
            value = Expr::Collate(Box::new(value), self.collation()?);
        }
        Ok(value)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let literal = match self.peek().clone() {
            Kind::Number(text) => Some(number(&text).map_or_else(|| self.fail(), Ok)?),
            Kind::Float(text) => {
                let Ok(number) = text.parse() else {
                    return self.fail();
                };
                Some(Expr::Literal(Value::Float(number), SqlType::Float))
            }
            Kind::Text(text, unicode) => Some(text_literal(&text, unicode)),
            Kind::Bytes(bytes) => {
                let length = u16::try_from(bytes.len().clamp(1, 8000)).unwrap_or(8000);
                Some(Expr::Literal(
                    Value::bytes(bytes),
                    SqlType::varbinary(length),
                ))
            }
            Kind::Variable(name) => Some(Expr::Variable(name)),
            _ => None,
        };
        if let Some(literal) = literal {
            self.step();
            return Ok(literal);
        }
        if self.sign("(") {
            let inner = if self.is_word("SELECT") || self.is_word("WITH") {
                Expr::Scalar(Box::new(self.query()?))
            } else {
                self.expression()?
            };
            self.need_sign(")")?;
            return Ok(inner);
        }
        match self.upper().as_str() {
            "NULL" => {
                self.step();
                Ok(Expr::Literal(Value::Null, SqlType::Null))
            }
            "CASE" => self.case(),
            "CAST" | "TRY_CAST" if self.is_sign_ahead(1, "(") => self.cast(),
            "CONVERT" | "TRY_CONVERT" if self.is_sign_ahead(1, "(") => self.convert(),
            "EXISTS" => {
                self.step();
                self.need_sign("(")?;
                let query = self.query()?;
                self.need_sign(")")?;
                Ok(Expr::Exists(Box::new(query)))
            }
            "DEFAULT" => {
                self.step();
                Ok(Expr::Default)
            }
            "CURRENT_TIMESTAMP" | "SYSTEM_USER" | "SESSION_USER" | "CURRENT_USER" | "USER" => {
                let name = self.any_word()?;
                Ok(Expr::Call {
                    name,
                    arguments: Vec::new(),
                    distinct: false,
                })
            }
            "LEFT" | "RIGHT" if self.is_sign_ahead(1, "(") => {
                let name = self.any_word()?;
                self.call(name)
            }
            _ => self.reference(),
        }
    }

    /// A column or a call.
    fn reference(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.name()?];
        while self.sign(".") {
            if self.is_sign_ahead(0, ".") {
                continue;
            }
            parts.push(self.loose_name()?);
        }
        if self.is_sign_ahead(0, "(") {
            let name = parts.pop().unwrap_or_default().to_uppercase();
            return self.call(name);
        }
        Ok(Expr::Column(parts))
    }

    fn call(&mut self, name: String) -> Parsed<Expr> {
        self.need_sign("(")?;
        let distinct = self.word("DISTINCT");
        self.word("ALL");
        let mut arguments = Vec::new();
        if !self.is_sign_ahead(0, ")") {
            if self.sign("*") {
                arguments.push(Expr::Star);
            } else if matches!(
                name.as_str(),
                "DATEADD" | "DATEDIFF" | "DATEPART" | "DATENAME" | "DATEDIFF_BIG"
            ) {
                // The first argument is a word, not an expression.
                let part = self.loose_name()?.to_lowercase();
                arguments.push(text_literal(&part, false));
                while self.sign(",") {
                    arguments.push(self.expression()?);
                }
            } else {
                arguments = self.comma_list(Self::expression)?;
            }
        }
        self.need_sign(")")?;
        if self.is_word("OVER") && self.is_sign_ahead(1, "(") {
            self.step();
            self.step();
            let partition = if self.words(&["PARTITION", "BY"]) {
                self.comma_list(Self::expression)?
            } else {
                Vec::new()
            };
            let order = if self.words(&["ORDER", "BY"]) {
                self.comma_list(Self::sort)?
            } else {
                Vec::new()
            };
            self.need_sign(")")?;
            return Ok(Expr::Window {
                name,
                arguments,
                partition,
                order,
            });
        }
        Ok(Expr::Call {
            name,
            arguments,
            distinct,
        })
    }

    fn case(&mut self) -> Parsed<Expr> {
        self.need("CASE")?;
        let operand = if self.is_word("WHEN") {
            None
        } else {
            Some(Box::new(self.expression()?))
        };
        let mut branches = Vec::new();
        while self.word("WHEN") {
            let when = self.expression()?;
            self.need("THEN")?;
            branches.push((when, self.expression()?));
        }
        let otherwise = if self.word("ELSE") {
            Some(Box::new(self.expression()?))
        } else {
            None
        };
        self.need("END")?;
        if branches.is_empty() {
            return self.fail();
        }
        Ok(Expr::Case {
            operand,
            branches,
            otherwise,
        })
    }

    fn cast(&mut self) -> Parsed<Expr> {
        let lenient = self.any_word()? == "TRY_CAST";
        self.need_sign("(")?;
        let of = Box::new(self.expression()?);
        self.need("AS")?;
        let to = default_length(self.data_type_of_cast()?);
        self.need_sign(")")?;
        Ok(Expr::Cast {
            of,
            to,
            style: None,
            lenient,
        })
    }

    fn convert(&mut self) -> Parsed<Expr> {
        let lenient = self.any_word()? == "TRY_CONVERT";
        self.need_sign("(")?;
        let to = default_length(self.data_type_of_cast()?);
        self.need_sign(",")?;
        let of = Box::new(self.expression()?);
        let style = if self.sign(",") {
            Some(Box::new(self.expression()?))
        } else {
            None
        };
        self.need_sign(")")?;
        Ok(Expr::Cast {
            of,
            to,
            style,
            lenient,
        })
    }

    /// A type without length means 30 here, where it means 1 elsewhere.
    fn data_type_of_cast(&mut self) -> Parsed<(SqlType, bool)> {
        let bare = !self.is_sign_ahead(1, "(");
        self.data_type().map(|kind| (kind, bare))
    }
}

fn default_length((kind, bare): (SqlType, bool)) -> SqlType {
    match kind {
        SqlType::Text {
            kind,
            length: 1,
            collation,
        } if bare => SqlType::Text {
            kind,
            length: 30,
            collation,
        },
        SqlType::Bytes { kind, length: 1 } if bare => SqlType::Bytes { kind, length: 30 },
        other => other,
    }
}

fn number(text: &str) -> Option<Expr> {
    if !text.contains('.')
        && let Ok(number) = text.parse::<i32>()
    {
        return Some(Expr::Literal(Value::Int(i64::from(number)), SqlType::Int));
    }
    let decimal = Decimal::parse(text)?;
    let kind = SqlType::decimal(decimal.digits(), decimal.scale);
    Some(Expr::Literal(Value::Decimal(decimal), kind))
}

fn text_literal(text: &str, unicode: bool) -> Expr {
    let length = text.encode_utf16().count().max(1);
    let limit = if unicode { 4000 } else { 8000 };
    let length = u16::try_from(length)
        .ok()
        .filter(|n| *n <= limit)
        .unwrap_or(crate::data::types::MAX);
    let kind = if unicode {
        SqlType::nvarchar(length)
    } else {
        SqlType::varchar(length)
    };
    Expr::Literal(Value::text(text), kind)
}
