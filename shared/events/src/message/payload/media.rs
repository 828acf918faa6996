//! Pictures, videos, voice notes, stickers and files.

use crate::message::shape::object;
use crate::message::value::Id;

object! {
    /// A medium: image, video, audio, voice, sticker or document. One type for all, because all are fetched the
    /// same way.
    ///
    /// The id can be used for 7 days. The gateway fetches the medium by it (`GET /media?media_id=…`).
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "document", "document": {"id": "6226", "mime_type": "application/pdf",
    ///     "sha256": "V5OPpLD/gEG6Xjg0MbmQDLFgcKsL+j5LfY4ny/pZ4MY=", "filename": "receipt.pdf", "caption": "Here"}}"#;
    /// let message = Message::parse(json)?;
    /// let media = message.media().unwrap();
    /// assert_eq!(media.id.as_str(), "6226");
    /// assert_eq!(media.essence(), "application/pdf");
    /// assert_eq!(media.filename.as_deref(), Some("receipt.pdf"));
    /// assert_eq!(message.text(), Some("Here"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Media {
        /// What to fetch it by.
        id: Id,
        /// The media type, perhaps with parameters: `audio/ogg; codecs=opus`.
        mime_type: String,
        /// SHA-256 of the bytes, in base64; in very old messages in hex. Has been missing.
        sha256: Option<String>,
        /// What the user wrote with it.
        caption: Option<String>,
        /// Document: its name.
        filename: Option<String>,
        /// Audio: recorded with the app, rather than attached.
        voice: Option<bool>,
        /// Sticker: it moves.
        animated: Option<bool>,
        /// Where WhatsApp holds it, for 5 minutes and for the account's access token. Since November 2025.
        url: Option<String>,
        /// Where the gateway holds it, in messages of the On-Premises API.
        link: Option<String>,
        /// The same as a path on the gateway's own disk.
        file: Option<String>,
        /// Whether that gateway has fetched it: `downloaded`.
        status: Option<String>,
    }
}

impl Media {
    /// The media type without parameters, such as `audio/ogg` (RFC 2045 section 5.1).
    #[must_use]
    pub fn essence(&self) -> &str {
        self.mime_type.split(';').next().unwrap_or_default().trim()
    }
}
