//! Pictures, videos, voice notes, stickers and files.

use crate::message::shape::object;
use crate::message::value::Id;

object! {
    /// A medium: image, video, audio, voice, sticker or document. All of them are fetched the same way.
    ///
    /// The gateway fetches a medium by its id (`GET /media?media_id=…`), which is valid for 7 days.
    #[derive(Default)]
    Media {
        /// The id to fetch the medium by. Absent if a reseller hasn't downloaded the medium yet.
        id: Option<Id>,
        /// The media type, possibly with parameters: `audio/ogg; codecs=opus`.
        mime_type: Option<String>,
        /// The SHA-256 digest of the bytes, in base64; in very old messages in hex. Some recorded messages lack it.
        sha256: Option<String>,
        /// The caption that the user wrote.
        caption: Option<String>,
        /// The file name. Documents only.
        filename: Option<String>,
        /// True if recorded in the app rather than attached. Audio only.
        voice: Option<bool>,
        /// True if animated. Stickers only.
        animated: Option<bool>,
        /// Where WhatsApp serves the medium: valid for 5 minutes, and only with the account's access token. Since
        /// November 2025.
        url: Option<String>,
        /// Where the gateway serves the medium. On-Premises API only.
        link: Option<String>,
        /// The path of the medium on the gateway's own disk. On-Premises API only.
        file: Option<String>,
        /// `downloaded` once the gateway has fetched the medium, `undownloaded` before. Resellers and the On-Premises API
        /// only.
        status: Option<String>,
    }
}

impl Media {
    /// The media type without parameters, such as `audio/ogg` (RFC 2045 section 5.1). None if it is absent.
    #[must_use]
    pub fn essence(&self) -> Option<&str> {
        self.mime_type.as_deref()?.split(';').next().map(str::trim)
    }
}
