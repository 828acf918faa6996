//! The ad or post that brought the user to the chat.

use super::shape::{object, open_enum};
use super::value::Id;

object! {
    /// The ad or post that the user clicked to start the chat.
    #[derive(Default)]
    Referral {
        /// The URL of the ad or post.
        source_url: Option<String>,
        /// Meta's id of the ad or post.
        source_id: Option<Id>,
        /// Whether it is an ad or a post.
        source_type: Option<ReferralSource>,
        /// The headline.
        headline: Option<String>,
        /// The text.
        body: Option<String>,
        /// Which of the following URLs is set.
        media_type: Option<ReferralMedia>,
        /// The URL of the picture.
        image_url: Option<String>,
        /// The URL of the video.
        video_url: Option<String>,
        /// The URL of a still image of the video.
        thumbnail_url: Option<String>,
        /// The id of the click, for Meta's Conversions API.
        ctwa_clid: Option<String>,
        /// The greeting that the ad showed.
        welcome_message: Option<WelcomeMessage>,
        /// The parameter `ref` of the ad's link.
        reference as "ref": Option<String>,
    }
}

object! {
    /// The greeting of an ad.
    #[derive(Default)]
    WelcomeMessage {
        /// The text of the greeting.
        text: Option<String>,
    }
}

open_enum! {
    /// What the user clicked to start the chat.
    ReferralSource {
        /// A click-to-WhatsApp ad.
        Ad = "ad",
        /// A post.
        Post = "post",
    }
}

open_enum! {
    /// What an ad shows.
    ReferralMedia {
        /// A picture.
        Image = "image",
        /// A video.
        Video = "video",
    }
}
