//! Binary content of a message: its bytes, and what they are.

use wab_models::{BinaryContent, Content, MoCallback};

/// The decoded content of a callback that is marked as base64, with its description. None if it isn't marked, or
/// isn't base64 after all: then it is published as it came.
#[must_use]
pub fn binary_content(callback: &MoCallback<'_>) -> Option<(BinaryContent, Vec<u8>)> {
    let Content::Binary(binary) = callback.content else { return None };
    let bytes = binary.decode().ok()?;
    let content_type = infer::get(&bytes).map_or("application/octet-stream", |kind| kind.mime_type());
    Some((BinaryContent::of(&bytes, content_type), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<(&str, &[u8])>) {
        let found = binary_content(&MoCallback::parse(body).unwrap());
        let found = found.as_ref().map(|(content, bytes)| (&*content.content_type, &**bytes));
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn the_first_bytes_tell_the_media_type() {
        let png = b"\x89PNG\r\n\x1a\n";
        check(r#"{"id":"a","encoding":"base64","content":"iVBORw0KGgo="}"#, Some(("image/png", png)));
        check(r#"{"id":"a","encoding":"base64","content":"AP8="}"#, Some(("application/octet-stream", &[0, 255])));
        check(r#"{"id":"a","encoding":"base64","content":""}"#, Some(("application/octet-stream", &[])));
    }

    #[test]
    fn what_is_not_marked_or_no_base64_is_left_as_it_is() {
        check(r#"{"id":"a","content":"iVBORw0KGgo="}"#, None);
        check(r#"{"id":"a","encoding":"base64","content":"***"}"#, None);
        check(r#"{"id":"a","encoding":"base64","content":{"type":"text"}}"#, None);
    }
}
