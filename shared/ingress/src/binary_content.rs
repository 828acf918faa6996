//! Decodes the binary content of a message and detects its media type.

use wab_models::{BinaryContent, Content, MoCallback};

/// The decoded bytes of a callback's base64 content, and their description. None if the content isn't marked as base64
/// or can't be decoded: then it is published verbatim.
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
    fn media_type_is_detected_from_first_bytes() {
        let png = b"\x89PNG\r\n\x1a\n";
        check(r#"{"id":"a","encoding":"base64","content":"iVBORw0KGgo="}"#, Some(("image/png", png)));
        check(r#"{"id":"a","encoding":"base64","content":"AP8="}"#, Some(("application/octet-stream", &[0, 255])));
        check(r#"{"id":"a","encoding":"base64","content":""}"#, Some(("application/octet-stream", &[])));
    }

    #[test]
    fn content_that_is_not_base64_is_left_alone() {
        check(r#"{"id":"a","content":"iVBORw0KGgo="}"#, None);
        check(r#"{"id":"a","encoding":"base64","content":"***"}"#, None);
        check(r#"{"id":"a","encoding":"base64","content":{"type":"text"}}"#, None);
    }
}
