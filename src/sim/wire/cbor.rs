//! CBOR (RFC 8949), as far as Smithy's RPC v2 speaks it. Written here and not taken from a crate: it
//! is the same tree of values that JSON and the query protocol are read into, times are tag 1 in both
//! directions, and the limits are ours.

use super::value::{Value, millis, seconds};

/// Deepest nesting that is read.
const DEPTH_MAX: u32 = 32;
/// The tag of a time: seconds since the epoch.
const TIME: u64 = 1;
/// Ends a list, a map or a string of unknown length.
const BREAK: u8 = 0xff;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The request body is not CBOR: {0}")]
pub(super) struct CborError(&'static str);

/// Writes a value: definite lengths, the shortest whole numbers, floats of 64 bits.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(b) => out.push(if *b { 0xf5 } else { 0xf4 }),
        Value::Int(n) if *n >= 0 => head(0, n.unsigned_abs(), out),
        Value::Int(n) => head(1, n.unsigned_abs() - 1, out),
        Value::Float(n) => {
            out.push(0xfb);
            out.extend(n.to_be_bytes());
        }
        Value::Text(text) => write_text(text, out),
        Value::Time(ms) => {
            head(6, TIME, out);
            write(&Value::Float(seconds(*ms)), out);
        }
        Value::List(items) => {
            head(4, items.len() as u64, out);
            for item in items {
                write(item, out);
            }
        }
        Value::Map(fields) => {
            head(5, fields.len() as u64, out);
            for (name, value) in fields {
                write_text(name, out);
                write(value, out);
            }
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    head(3, text.len() as u64, out);
    out.extend(text.bytes());
}

/// The major type and the number that follows it.
fn head(major: u8, number: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    let bytes = number.to_be_bytes();
    match number {
        0..24 => out.push(major | bytes[7]),
        24..0x100 => out.extend([major | 0x18, bytes[7]]),
        0x100..0x1_0000 => {
            out.push(major | 0x19);
            out.extend(&bytes[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 0x1a);
            out.extend(&bytes[4..]);
        }
        _ => {
            out.push(major | 0x1b);
            out.extend(bytes);
        }
    }
}

/// Reads one value that fills all of the bytes. No bytes are an empty map.
///
/// # Errors
/// What is cut off, too deep, followed by more, or of a kind that AWS does not use.
pub(super) fn decode(bytes: &[u8]) -> Result<Value, CborError> {
    if bytes.is_empty() {
        return Ok(Value::Map(Vec::new()));
    }
    let mut reader = Reader(bytes);
    let value = reader.value(0)?;
    if reader.0.is_empty() { Ok(value) } else { Err(CborError("it goes on after its end")) }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn value(&mut self, depth: u32) -> Result<Value, CborError> {
        if depth > DEPTH_MAX {
            return Err(CborError("it is too deep"));
        }
        let first = self.byte()?;
        let (major, info) = (first >> 5, first & 0x1f);
        match major {
            0 => Ok(whole(self.number(info)?)),
            1 => {
                let n = i64::try_from(self.number(info)?).map_err(|_| CborError("a number is too large"))?;
                Ok(Value::Int(-1 - n))
            }
            3 => Ok(Value::Text(self.text(info)?)),
            4 => {
                let mut items = Vec::new();
                let mut left = self.length(info)?;
                while self.more(&mut left)? {
                    items.push(self.value(depth + 1)?);
                }
                Ok(Value::List(items))
            }
            5 => {
                let mut fields = Vec::new();
                let mut left = self.length(info)?;
                while self.more(&mut left)? {
                    let Value::Text(name) = self.value(depth + 1)? else {
                        return Err(CborError("a key is no string"));
                    };
                    fields.push((name, self.value(depth + 1)?));
                }
                Ok(Value::Map(fields))
            }
            6 => {
                let tag = self.number(info)?;
                let value = self.value(depth + 1)?;
                if tag == TIME { time(&value) } else { Ok(value) }
            }
            7 => self.simple(info),
            _ => Err(CborError("it has bytes where there are none")),
        }
    }

    fn simple(&mut self, info: u8) -> Result<Value, CborError> {
        match info {
            20 => Ok(Value::Bool(false)),
            21 => Ok(Value::Bool(true)),
            22 | 23 => Ok(Value::Null),
            25 => Ok(Value::Float(half(u16::from_be_bytes(self.array()?)))),
            26 => Ok(Value::Float(f64::from(f32::from_be_bytes(self.array()?)))),
            27 => Ok(Value::Float(f64::from_be_bytes(self.array()?))),
            _ => Err(CborError("a simple value is not known")),
        }
    }

    fn text(&mut self, info: u8) -> Result<String, CborError> {
        let Some(length) = self.length(info)? else {
            let mut text = String::new();
            while self.more(&mut None)? {
                let first = self.byte()?;
                if first >> 5 != 3 || first & 0x1f == 31 {
                    return Err(CborError("a part of a string is no string"));
                }
                text.push_str(&self.text(first & 0x1f)?);
            }
            return Ok(text);
        };
        let length = usize::try_from(length).map_err(|_| CborError("it is cut off"))?;
        let bytes = self.take(length)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| CborError("a string is not UTF-8"))
    }

    /// None if it is not known before its end.
    fn length(&mut self, info: u8) -> Result<Option<u64>, CborError> {
        if info == 31 { Ok(None) } else { self.number(info).map(Some) }
    }

    /// Is there another element? Counts it, or takes the end.
    fn more(&mut self, left: &mut Option<u64>) -> Result<bool, CborError> {
        match left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if self.0.first() == Some(&BREAK) => {
                self.byte()?;
                Ok(false)
            }
            None => Ok(true),
        }
    }

    fn number(&mut self, info: u8) -> Result<u64, CborError> {
        match info {
            0..24 => Ok(u64::from(info)),
            24 => Ok(u64::from(self.byte()?)),
            25 => Ok(u64::from(u16::from_be_bytes(self.array()?))),
            26 => Ok(u64::from(u32::from_be_bytes(self.array()?))),
            27 => Ok(u64::from_be_bytes(self.array()?)),
            _ => Err(CborError("a length is not known")),
        }
    }

    fn byte(&mut self) -> Result<u8, CborError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        self.take(N)?.try_into().map_err(|_| CborError("it is cut off"))
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], CborError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(CborError("it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }
}

fn whole(n: u64) -> Value {
    #[allow(clippy::cast_precision_loss)] // larger than any that is wanted: only roughly right
    i64::try_from(n).map_or(Value::Float(n as f64), Value::Int)
}

fn time(value: &Value) -> Result<Value, CborError> {
    let ms = match value {
        Value::Int(seconds) => seconds.checked_mul(1_000),
        Value::Float(seconds) => millis(*seconds),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::Time(_) | Value::List(_) | Value::Map(_) => {
            None
        }
    };
    ms.map(Value::Time).ok_or(CborError("a time is no number in range"))
}

/// A float of 16 bits (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = ((bits >> 10) & 0x1f, f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => mantissa * 2.0_f64.powi(-24),
        31 if mantissa > 0.0 => f64::NAN,
        31 => f64::INFINITY,
        _ => (mantissa + 1_024.0) * 2.0_f64.powi(i32::from(exponent) - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            (-1e18_f64..1e18).prop_map(Value::Float),
            "\\PC{0,300}".prop_map(Value::Text),
            (-1_000_000_000_000_000_i64..1_000_000_000_000_000).prop_map(Value::Time),
        ];
        leaf.prop_recursive(4, 64, 30, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..30).prop_map(Value::List),
                prop::collection::vec(("[a-z]{0,30}", inner), 0..30).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_written_is_read_again(v in value()) {
            prop_assert_eq!(decode(&encode(&v)), Ok(v));
        }

        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(decode(&bytes));
        }
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        let one = |bytes: &[u8]| decode(bytes).unwrap();
        assert_eq!(one(&[0x18, 0x64]), Value::Int(100));
        assert_eq!(one(&[0x38, 0x63]), Value::Int(-100));
        assert_eq!(one(&[0xf9, 0x3c, 0x00]), Value::Float(1.0));
        assert_eq!(one(&[0xf9, 0x7b, 0xff]), Value::Float(65_504.0));
        assert_eq!(one(&[0xf9, 0x00, 0x01]), Value::Float(5.960_464_477_539_063e-8));
        assert_eq!(one(&[0xfa, 0x47, 0xc3, 0x50, 0x00]), Value::Float(100_000.0));
        assert_eq!(one(&[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0]), Value::Time(1_363_896_240_000));
        assert_eq!(one(&[0x7f, 0x61, 0x61, 0x61, 0x62, 0xff]), Value::Text("ab".into()));
        let list = Value::List(vec![Value::Int(1), Value::List(vec![])]);
        assert_eq!(one(&[0x9f, 0x01, 0x9f, 0xff, 0xff]), list);
        assert_eq!(one(&[0xbf, 0x61, 0x61, 0xf5, 0xff]), Value::Map(vec![("a".into(), Value::Bool(true))]));
        assert_eq!(one(&[]), Value::Map(vec![]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let deep = [0x81; 40];
        for (bytes, why) in [
            (&[0x18][..], "it is cut off"),
            (&[0x01, 0x01], "it goes on after its end"),
            (&[0xa1, 0x01, 0x01], "a key is no string"),
            (&[0x61, 0xff], "a string is not UTF-8"),
            (&[0x5a, 0xff, 0xff, 0xff, 0xff], "it has bytes where there are none"),
            (&[0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "it is cut off"),
            (&[0xc1, 0x60], "a time is no number in range"),
            (&deep, "it is too deep"),
        ] {
            assert_eq!(decode(bytes), Err(CborError(why)), "{bytes:x?}");
        }
    }
}
