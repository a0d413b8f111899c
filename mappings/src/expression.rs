//! The escape hatch: expressions over the columns of a row, exact, pure, and bounded in time and memory.
//!
//! The engine has no loops, no functions of one's own, no modules, no `eval`, no clock and no floats. Numbers are
//! always decimals, so `10 / 4` over columns is 2.5. An expression names the columns it needs, so only those are
//! handed to it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fluxion_model::reject::ErrorClass;
use rhai::packages::{
    ArithmeticPackage, BasicMathPackage, BasicStringPackage, LogicPackage, MoreStringPackage,
    Package,
};
use rhai::{AST, Dynamic, Engine, EvalAltResult, INT, ImmutableString, Scope};
use rust_decimal::Decimal;

use crate::cell::Cell;
use crate::field_document::RoundMode;
use crate::number::{self, Format};
use crate::problem::Problem;
use crate::view::{Col, View};

/// A compiled expression.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    ast: AST,
    variables: Box<[(Box<str>, Variable)]>,
}

#[derive(Debug, Clone)]
pub(crate) enum Variable {
    /// The value so far.
    Value,
    Column(Col),
    Setting(Cell<'static>),
}

static ENGINE: LazyLock<Engine> = LazyLock::new(engine);

impl Expression {
    /// Compiles; `resolve` says what each name in it stands for.
    pub fn compile(
        text: &str,
        mut resolve: impl FnMut(&str) -> Result<Variable, String>,
    ) -> Result<Self, String> {
        let mut variables = Vec::new();
        let mut scope = Scope::new();
        for name in names(text) {
            let variable = if name == "value" {
                Variable::Value
            } else {
                resolve(name)?
            };
            scope.push_dynamic(name, Dynamic::UNIT);
            variables.push((name.into(), variable));
        }
        let ast = ENGINE
            .compile_expression_with_scope(&scope, text)
            .map_err(|error| format!("the expression cannot be read: {error}"))?;
        Ok(Self {
            ast,
            variables: variables.into(),
        })
    }

    /// What it gives for a row.
    pub fn evaluate(
        &self,
        value: Cell<'_>,
        view: &View<'_>,
    ) -> Result<Cell<'static>, Box<Problem>> {
        let mut scope = Scope::new();
        for (name, variable) in &self.variables {
            let cell = match variable {
                Variable::Value => dynamic(value.clone()),
                Variable::Column(col) => dynamic(view.cell(*col, true, None)?),
                Variable::Setting(cell) => dynamic(cell.clone()),
            };
            scope.push_dynamic(&**name, cell);
        }
        match ENGINE.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast) {
            Ok(result) => cell(result),
            Err(error) => Err(explain(&error)),
        }
    }

    /// As [`Self::evaluate`], for conditions.
    pub fn holds(&self, view: &View<'_>) -> Result<bool, Box<Problem>> {
        match self.evaluate(Cell::Null, view)? {
            Cell::Bool(holds) => Ok(holds),
            _ => Err(Problem::mapping(
                "expression",
                "condition does not give true or false; correct the mapping",
            )),
        }
    }
}

fn dynamic(cell: Cell<'_>) -> Dynamic {
    match cell {
        Cell::Null => Dynamic::UNIT,
        Cell::Number(number) => Dynamic::from_decimal(number),
        Cell::Bool(flag) => Dynamic::from_bool(flag),
        other => Dynamic::from(ImmutableString::from(&*other.into_text())),
    }
}

fn cell(result: Dynamic) -> Result<Cell<'static>, Box<Problem>> {
    if result.is_unit() {
        return Ok(Cell::Null);
    }
    if let Ok(flag) = result.as_bool() {
        return Ok(Cell::Bool(flag));
    }
    if let Ok(number) = result.as_decimal() {
        return Ok(Cell::Number(number));
    }
    if let Ok(number) = result.as_int() {
        return Ok(Cell::Number(number.into()));
    }
    match result.into_string() {
        Ok(text) if text.is_empty() => Ok(Cell::Null),
        Ok(text) => Ok(Cell::Text(text.into())),
        Err(kind) => Err(Problem::mapping(
            "expression",
            format!(
                "expression gives {kind}, not a text, number or truth value; correct the mapping"
            ),
        )),
    }
}

fn explain(error: &EvalAltResult) -> Box<Problem> {
    let hint = match error {
        EvalAltResult::ErrorTooManyOperations(_) | EvalAltResult::ErrorDataTooLarge(..) => {
            "it does too much"
        }
        EvalAltResult::ErrorArithmetic(..) => "a calculation in it has no result",
        EvalAltResult::ErrorFunctionNotFound(..) => {
            "an operation in it does not fit its values; `a ?? 0` stands in for an empty value, `number(a)` reads text"
        }
        _ => "it failed",
    };
    let mut problem = Problem::mapping(
        "expression",
        format!("expression has no result for this row: {hint} ({error})"),
    );
    problem.class = ErrorClass::Mapping;
    problem
}

fn engine() -> Engine {
    let mut engine = Engine::new_raw();
    ArithmeticPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    engine
        .set_max_operations(20_000)
        .set_max_expr_depths(64, 32)
        .set_max_string_size(16 * 1024)
        .set_max_array_size(1_000)
        .set_max_map_size(100)
        .set_max_call_levels(8)
        .set_max_modules(0)
        .set_allow_looping(false)
        .set_allow_anonymous_fn(false)
        .set_strict_variables(true)
        .disable_symbol("eval")
        .disable_symbol("import")
        .disable_symbol("print")
        .disable_symbol("debug")
        .on_print(|_| {})
        .on_debug(|_, _, _| {});
    register_numbers(&mut engine);
    register_texts(&mut engine);
    engine
}

fn register_numbers(engine: &mut Engine) {
    let digits = |digits: INT| u32::try_from(digits.clamp(0, 28)).unwrap_or(0);
    engine
        .register_fn("round", move |value: Decimal, places: INT| {
            number::round(value, digits(places), RoundMode::HalfUp)
        })
        .register_fn("round", move |value: INT, _: INT| Decimal::from(value))
        .register_fn("round", |value: Decimal| {
            number::round(value, 0, RoundMode::HalfUp)
        })
        .register_fn("round_even", move |value: Decimal, places: INT| {
            number::round(value, digits(places), RoundMode::HalfEven)
        })
        .register_fn("number", |value: Decimal| value)
        .register_fn("number", |value: INT| Decimal::from(value))
        .register_fn("number", |text: &str| read(Format::PLAIN, text))
        .register_fn("number", |text: &str, mark: &str| {
            let comma = mark == ",";
            let format = Format {
                decimal: if comma { ',' } else { '.' },
                group: Some(if comma { '.' } else { ',' }),
                decorated: true,
            };
            read(format, text)
        });
}

fn read(format: Format, text: &str) -> Result<Decimal, Box<EvalAltResult>> {
    format
        .read(text)
        .ok_or_else(|| "a text is not a number".into())
}

fn register_texts(engine: &mut Engine) {
    let chars = |n: INT| usize::try_from(n.clamp(0, 4_096)).unwrap_or(0);
    engine
        .register_fn("empty", |value: Dynamic| {
            match value.read_lock::<ImmutableString>() {
                Some(text) => text.trim().is_empty(),
                None => value.is_unit(),
            }
        })
        .register_fn("text", |value: Decimal| value.normalize().to_string())
        .register_fn("text", |value: INT| value.to_string())
        .register_fn("text", |value: &str| value.to_owned())
        .register_fn("text", |(): ()| String::new())
        .register_fn("trimmed", |value: &str| value.trim().to_owned())
        .register_fn("upper", |value: &str| value.to_uppercase())
        .register_fn("lower", |value: &str| value.to_lowercase())
        .register_fn("left", move |value: &str, n: INT| {
            value.chars().take(chars(n)).collect::<String>()
        })
        .register_fn("right", move |value: &str, n: INT| {
            let skip = value.chars().count().saturating_sub(chars(n));
            value.chars().skip(skip).collect::<String>()
        })
        .register_fn("pad_left", move |value: &str, n: INT, with: &str| {
            let missing = chars(n).saturating_sub(value.chars().count());
            let mut out: String = with.chars().cycle().take(missing).collect();
            out.push_str(value);
            out
        });
}

/// Names in an expression that stand for values: not calls, not members, not words of the language.
fn names(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'"' | b'\'' | b'`' => at = after_quote(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = bytes[at..]
                    .iter()
                    .position(|b| *b == b'\n')
                    .map_or(bytes.len(), |end| at + end);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = text[at + 2..]
                    .find("*/")
                    .map_or(bytes.len(), |end| at + end + 4);
            }
            b'0'..=b'9' => {
                at += bytes[at..]
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                    .count()
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let len = bytes[at..]
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                    .count();
                let name = &text[at..at + len];
                let member =
                    text[..at].trim_end().ends_with('.') && !text[..at].trim_end().ends_with("..");
                let call = text[at + len..].trim_start().starts_with('(');
                if !member && !call && !is_word(name) {
                    names.insert(name);
                }
                at += len;
            }
            _ => at += 1,
        }
    }
    names
}

fn after_quote(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn is_word(name: &str) -> bool {
    matches!(
        name,
        "_" | "true" | "false" | "if" | "else" | "switch" | "in" | "is"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use fluxion_model::value::Value;

    fn run(text: &str, columns: &[(&str, Value)]) -> Result<String, Box<Problem>> {
        let expression = Expression::compile(text, |name| {
            columns
                .iter()
                .position(|(column, _)| *column == name)
                .map(|at| Variable::Column(Col::at(at)))
                .ok_or_else(|| format!("no column {name}"))
        })
        .unwrap_or_else(|error| panic!("{text}: {error}"));
        let values: Vec<Value> = columns.iter().map(|(_, value)| value.clone()).collect();
        let positions = crate::view::parent_positions(values.len());
        expression
            .evaluate(Cell::Null, &View::parent(&values, &positions))
            .map(|cell| format!("{cell:?}"))
    }

    fn decimal(text: &str) -> Value {
        Value::Decimal(text.parse().unwrap())
    }

    #[test]
    fn numbers_are_exact_and_halves_round_up() {
        let price = [
            ("price", decimal("10.05")),
            ("qty", Value::Int(10)),
            ("float", Value::Float(0.1)),
        ];
        for (text, expected) in [
            ("price * 1.16", "Number(11.6580)"),
            ("round(price, 1)", "Number(10.1)"),
            ("round_even(price, 1)", "Number(10.0)"),
            ("qty / 4", "Number(2.50)"),
            ("float + 0.2", "Number(0.3)"),
            ("if qty == 10 { price } else { 0 }", "Number(10.05)"),
            ("qty > 9 && price < 11", "Bool(true)"),
            ("number(\"1.234,5\", \",\") + 1", "Number(1235.5)"),
        ] {
            assert_eq!(run(text, &price).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_nothing_and_has_a_stand_in() {
        let row = [("a", Value::Null), ("b", Value::text("x"))];
        assert_eq!(run("a ?? 3", &row).unwrap(), "Number(3)");
        assert_eq!(run("a", &row).unwrap(), "Null");
        assert_eq!(
            run("if empty(a) { b } else { a }", &row).unwrap(),
            "Text(\"x\")"
        );
        assert_eq!(run("a + 1", &row).unwrap_err().rule, "expression");
    }

    #[test]
    fn a_hostile_or_broken_expression_ends_in_an_error() {
        for text in [
            "loop {}",
            "while true {}",
            "eval(\"1\")",
            "import \"x\"",
            "fn f() {}",
            "let x = 1; x",
            "1 +",
            "|x| x",
        ] {
            assert!(
                Expression::compile(text, |_| Ok(Variable::Value)).is_err(),
                "{text}"
            );
        }
        assert!(Expression::compile("precoi", |name| Err(name.to_owned())).is_err());
        for text in [
            "1 / 0",
            "9223372036854775807 + 1",
            "sleep(10)",
            "timestamp()",
            "pad_left(\"x\", 4000, \"y\") * 2",
            "[1]",
        ] {
            let result = Expression::compile(text, |_| Ok(Variable::Value)).map_or(true, |e| {
                e.evaluate(Cell::Null, &View::parent(&[], &[])).is_err()
            });
            assert!(result, "{text}");
        }
    }

    #[test]
    fn only_names_that_stand_for_values_are_columns() {
        let found: Vec<_> = names("if a > 1 { round(b, 2) } else { `c` + \"d\" + e.len() } // f")
            .into_iter()
            .collect();
        assert_eq!(found, ["a", "b", "e"]);
    }
}
