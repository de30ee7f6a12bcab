use super::Value;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Write as _;

/// RFC 8785. A [`Value`] holds nothing that JSON cannot, so there is nothing to refuse here.
pub(super) fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

/// The same as text, for map keys.
pub(super) fn text(value: &Value) -> String {
    String::from_utf8_lossy(&bytes(value)).into_owned()
}

pub(super) fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(int) => print(out, format_args!("{int}")),
        Value::Float(float) => print(out, format_args!("{float}")),
        Value::Text(text) => write_text(text, out),
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Map(fields) => write_map(fields, out),
    }
}

fn write_map(fields: &BTreeMap<String, Value>, out: &mut Vec<u8>) {
    if fields.keys().any(|key| may_sort_otherwise(key)) {
        let mut entries: Vec<_> = fields.iter().collect();
        entries.sort_by(|(a, _), (b, _)| order(a, b));
        write_fields(entries, out);
    } else {
        write_fields(fields, out);
    }
}

/// RFC 8785 section 3.2.3 sorts by UTF-16 units, text compares by UTF-8 bytes. They disagree only where a character
/// beyond U+FFFF (surrogates, from 0xD800) meets one from U+E000 up; both begin with a byte from 0xEE up.
fn may_sort_otherwise(key: &str) -> bool {
    key.bytes().any(|byte| byte >= 0xEE)
}

/// The order of two keys.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    match may_sort_otherwise(a) && may_sort_otherwise(b) {
        true => a.encode_utf16().cmp(b.encode_utf16()),
        false => a.cmp(b),
    }
}

fn write_fields<'a>(fields: impl IntoIterator<Item = (&'a String, &'a Value)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (key, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(key, out);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}

pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_inside(text, out);
    out.push(b'"');
}

/// The text without its quotes.
pub(super) fn write_inside(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    // Most texts need no escape, and are copied as they are.
    while let Some((place, escape)) =
        rest.iter().enumerate().find_map(|(place, byte)| Some((place, escape(*byte)?)))
    {
        let (plain, escaped) = rest.split_at(place);
        out.extend_from_slice(plain);
        if let Some((byte, after)) = escaped.split_first() {
            match escape {
                Escape::Short(letter) => out.extend_from_slice(&[b'\\', letter]),
                Escape::Hex => print(out, format_args!("\\u{byte:04x}")),
            }
            rest = after;
        }
    }
    out.extend_from_slice(rest);
}

/// The length of a text in canonical JSON, quotes included.
pub(super) fn text_len(text: &str) -> usize {
    let extra = |byte| match escape(byte) {
        None => 0,
        Some(Escape::Short(_)) => 1,
        Some(Escape::Hex) => 5,
    };
    2 + text.len() + text.bytes().map(extra).sum::<usize>()
}

enum Escape {
    Short(u8),
    Hex,
}

fn escape(byte: u8) -> Option<Escape> {
    if byte >= 0x20 && byte != b'"' && byte != b'\\' {
        return None;
    }
    Some(match byte {
        b'"' | b'\\' => Escape::Short(byte),
        0x08 => Escape::Short(b'b'),
        b'\t' => Escape::Short(b't'),
        b'\n' => Escape::Short(b'n'),
        0x0c => Escape::Short(b'f'),
        b'\r' => Escape::Short(b'r'),
        _ => Escape::Hex,
    })
}

pub(super) fn print(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}
