//! The ad or post that brought the user to the chat.

use super::shape::{object, open_enum};
use super::value::Id;

object! {
    /// The ad or post that the user clicked to start the chat.
    ///
    /// ```
    /// use wab_events::message::{Message, ReferralSource};
    ///
    /// let json = r#"{"type": "text", "text": {"body": "Tell me more"},
    ///     "referral": {"source_type": "ad", "source_id": "1202", "ctwa_clid": "Aff-n8", "welcome_message": {"text": "Hi!"}}}"#;
    /// let message = Message::parse(json)?;
    /// let referral = message.referral().unwrap();
    /// assert_eq!(referral.source_type, Some(ReferralSource::Ad));
    /// assert_eq!(referral.ctwa_clid.as_deref(), Some("Aff-n8"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Referral {
        /// Where the ad or post is.
        source_url: Option<String>,
        /// Meta's id of it.
        source_id: Option<Id>,
        /// Which of the two it is.
        source_type: Option<ReferralSource>,
        /// Its headline.
        headline: Option<String>,
        /// Its text.
        body: Option<String>,
        /// Which of the URLs below to look at.
        media_type: Option<ReferralMedia>,
        /// Its picture.
        image_url: Option<String>,
        /// Its video.
        video_url: Option<String>,
        /// A picture of the video.
        thumbnail_url: Option<String>,
        /// The click's id, for Meta's conversions API.
        ctwa_clid: Option<String>,
        /// The greeting that the user saw.
        welcome_message: Option<WelcomeMessage>,
        /// The parameter of the ad's link.
        reference as "ref": Option<String>,
    }
}

object! {
    /// The greeting of an ad.
    ///
    /// ```
    /// # use wab_events::message::Message;
    /// let json = r#"{"type": "text", "text": {"body": "Hi"}, "referral": {"welcome_message": {"text": "How can we help?"}}}"#;
    /// let message = Message::parse(json)?;
    /// let greeting = message.referral().unwrap().welcome_message.as_ref().unwrap();
    /// assert_eq!(greeting.text.as_deref(), Some("How can we help?"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    WelcomeMessage {
        /// Its words.
        text: Option<String>,
    }
}

open_enum! {
    /// What a user clicked to start the chat.
    ///
    /// ```
    /// use wab_events::message::ReferralSource;
    ///
    /// assert_eq!(ReferralSource::from("post"), ReferralSource::Post);
    /// assert_eq!(ReferralSource::from("reel").as_str(), "reel");
    /// ```
    ReferralSource {
        /// A click-to-WhatsApp ad.
        Ad = "ad",
        /// A post.
        Post = "post",
    }
}

open_enum! {
    /// What an ad shows.
    ///
    /// ```
    /// use wab_events::message::ReferralMedia;
    ///
    /// assert_eq!(ReferralMedia::from("video"), ReferralMedia::Video);
    /// assert_eq!(ReferralMedia::from("carousel").as_str(), "carousel");
    /// ```
    ReferralMedia {
        /// A picture.
        Image = "image",
        /// A video.
        Video = "video",
    }
}
