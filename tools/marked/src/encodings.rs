//! The forms in which a value might leave the program.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Each form of a value, with the name of the encoding.
pub(crate) fn of(value: &str) -> Vec<(Option<&'static str>, String)> {
    let bytes = || value.bytes();
    let joined = |byte: &dyn Fn(u8) -> String| bytes().map(byte).collect::<String>();
    let mut forms = vec![(None, value.to_owned())];
    let mut add = |encoding, text: String| {
        if forms.iter().all(|(_, known)| *known != text) {
            forms.push((Some(encoding), text));
        }
    };
    add("lower case", value.to_lowercase());
    add("upper case", value.to_uppercase());
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for offset in 0..3 {
            add("base64", base64_at(&engine, value, offset));
        }
    }
    add("hex", hex::encode(value));
    add("hex", hex::encode_upper(value));
    // All of it, or only what isn't a letter or a digit.
    add("percent", joined(&|byte| format!("%{byte:02X}")));
    add("percent", joined(&|byte| format!("%{byte:02x}")));
    add("percent", joined(&|byte| percent(byte, format!("%{byte:02X}"))));
    add("percent", joined(&|byte| percent(byte, format!("%{byte:02x}"))));
    add("JSON", joined(&|byte| format!("\\u{byte:04X}")));
    add("JSON", joined(&|byte| format!("\\u{byte:04x}")));
    // `Debug` of bytes.
    add("list of bytes", bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", "));
    add("list of bytes", bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(","));
    forms
}

fn percent(byte: u8, encoded: String) -> String {
    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { encoded }
}

/// The characters that a value has in base64 whatever surrounds it, if as many bytes are before it as `offset` says, or 3, 6,
/// … more. Each character is 6 bits, so those at its ends also hold bits of its neighbours.
fn base64_at(engine: &impl Engine, value: &str, offset: usize) -> String {
    let mut bytes = vec![0; offset];
    bytes.extend(value.bytes());
    let encoded = engine.encode(&bytes);
    let (from, to) = ((offset * 8).div_ceil(6), bytes.len() * 8 / 6);
    encoded.get(from..to).unwrap_or_default().to_owned()
}
