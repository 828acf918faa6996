//! Address cards.

use crate::message::shape::object;
use crate::message::value::Id;

object! {
    /// An address card, one of the array that a `contacts` message holds. Any part of it may be missing; a `type`
    /// in it is free, localised text.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "contacts", "contacts": [{"name": {"formatted_name": "Aroha Ngata", "first_name": "Aroha"},
    ///     "phones": [{"phone": "+64 21 000 009", "wa_id": "6421000009", "type": "Mobil"}]}]}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Contacts(cards)) = message.kind() else { panic!("cards") };
    /// let card = cards.first().unwrap();
    /// assert_eq!(card.name.as_ref().unwrap().formatted_name, "Aroha Ngata");
    /// assert_eq!(card.phones().first().unwrap().wa_id.as_ref().unwrap().as_str(), "6421000009");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ContactCard {
        /// The name.
        name: Option<ContactName>,
        /// Phone numbers; see [`ContactCard::phones`].
        phone_list as "phones": Option<Vec<ContactPhone>>,
        /// E-mail addresses.
        emails: Option<Vec<ContactEmail>>,
        /// Postal addresses.
        addresses: Option<Vec<ContactAddress>>,
        /// Where they work.
        org: Option<ContactOrg>,
        /// Web pages.
        urls: Option<Vec<ContactUrl>>,
        /// Names at other messengers.
        ims: Option<Vec<ContactIm>>,
        /// Usually `YYYY-MM-DD`.
        birthday: Option<String>,
        /// The whole card as a vCard (RFC 6350).
        vcard: Option<String>,
        /// What made the user send it: `contact_request` if the business asked for their number, or `other`.
        origin: Option<String>,
    }
}

impl ContactCard {
    /// Phone numbers; none if the card has no such list.
    #[must_use]
    pub fn phones(&self) -> &[ContactPhone] {
        self.phone_list.as_deref().unwrap_or_default()
    }
}

object! {
    /// The name on a card.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"type": "contacts", "contacts": [{"name": {"formatted_name": "Dr Ngata", "prefix": "Dr"}}]}"#)?;
    /// let MessageKind::Known(Payload::Contacts(cards)) = message.kind() else { panic!("cards") };
    /// assert_eq!(cards[0].name.as_ref().unwrap().prefix.as_deref(), Some("Dr"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    ContactName {
        /// All of it.
        formatted_name: String,
        /// Given name.
        first_name: Option<String>,
        /// Middle name.
        middle_name: Option<String>,
        /// Family name.
        last_name: Option<String>,
        /// Such as `Dr`.
        prefix: Option<String>,
        /// Such as `Jr`.
        suffix: Option<String>,
    }
}

object! {
    /// A phone number on a card.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"type": "contacts", "contacts": [{"phones": [{"phone": "+64 21 000 009"}]}]}"#)?;
    /// let MessageKind::Known(Payload::Contacts(cards)) = message.kind() else { panic!("cards") };
    /// assert_eq!(cards[0].phones()[0].phone.as_ref().unwrap().as_str(), "+64 21 000 009");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ContactPhone {
        /// As it stands on the card.
        phone: Option<Id>,
        /// The WhatsApp user of that number.
        wa_id: Option<Id>,
        /// Free text.
        label as "type": Option<String>,
    }
}

object! {
    /// An e-mail address on a card.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"type": "contacts", "contacts": [{"emails": [{"email": "aroha@example.com"}]}]}"#)?;
    /// let MessageKind::Known(Payload::Contacts(cards)) = message.kind() else { panic!("cards") };
    /// assert_eq!(cards[0].emails.as_ref().unwrap()[0].email.as_deref(), Some("aroha@example.com"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ContactEmail {
        /// The address.
        email: Option<String>,
        /// Free text.
        label as "type": Option<String>,
    }
}

object! {
    /// A postal address on a card.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"type": "contacts", "contacts": [{"addresses": [{"city": "Wellington", "zip": 6011}]}]}"#)?;
    /// let MessageKind::Known(Payload::Contacts(cards)) = message.kind() else { panic!("cards") };
    /// assert_eq!(cards[0].addresses.as_ref().unwrap()[0].zip.as_ref().unwrap().as_str(), "6011");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ContactAddress {
        /// Street and number.
        street: Option<String>,
        /// City.
        city: Option<String>,
        /// State or region.
        state: Option<String>,
        /// Postal code.
        zip: Option<Id>,
        /// Country, in words.
        country: Option<String>,
        /// Country, two letters (ISO 3166-1).
        country_code: Option<String>,
        /// Free text.
        label as "type": Option<String>,
    }
}

object! {
    /// Where the person on a card works.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"type": "contacts", "contacts": [{"org": {"company": "Example Ltd"}}]}"#)?;
    /// let MessageKind::Known(Payload::Contacts(cards)) = message.kind() else { panic!("cards") };
    /// assert_eq!(cards[0].org.as_ref().unwrap().company.as_deref(), Some("Example Ltd"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ContactOrg {
        /// The company.
        company: Option<String>,
        /// The department.
        department: Option<String>,
        /// The person's title.
        title: Option<String>,
    }
}

object! {
    /// A web page on a card.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"type": "contacts", "contacts": [{"urls": [{"url": "https://example.com"}]}]}"#)?;
    /// let MessageKind::Known(Payload::Contacts(cards)) = message.kind() else { panic!("cards") };
    /// assert_eq!(cards[0].urls.as_ref().unwrap()[0].url.as_deref(), Some("https://example.com"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ContactUrl {
        /// The page.
        url: Option<String>,
        /// Free text.
        label as "type": Option<String>,
    }
}

object! {
    /// A name at another messenger on a card.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"type": "contacts", "contacts": [{"ims": [{"service": "AIM", "user_id": "aroha"}]}]}"#)?;
    /// let MessageKind::Known(Payload::Contacts(cards)) = message.kind() else { panic!("cards") };
    /// assert_eq!(cards[0].ims.as_ref().unwrap()[0].service.as_deref(), Some("AIM"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ContactIm {
        /// Which messenger.
        service: Option<String>,
        /// The name there.
        user_id: Option<Id>,
    }
}
