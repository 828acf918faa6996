//! Address cards.

use crate::message::shape::object;
use crate::message::value::Id;

object! {
    /// An address card: one element of a `contacts` message. Any part may be absent. A `type` within a card is free,
    /// localised text.
    #[derive(Default)]
    ContactCard {
        /// The person's name.
        name: Option<ContactName>,
        /// Phone numbers.
        phone_list as "phones": Option<Vec<ContactPhone>>,
        /// E-mail addresses.
        emails: Option<Vec<ContactEmail>>,
        /// Postal addresses.
        addresses: Option<Vec<ContactAddress>>,
        /// The person's employer.
        org: Option<ContactOrg>,
        /// Web pages.
        urls: Option<Vec<ContactUrl>>,
        /// Accounts at other messengers.
        ims: Option<Vec<ContactIm>>,
        /// The date of birth, usually `YYYY-MM-DD`.
        birthday: Option<String>,
        /// The whole card as a vCard (RFC 6350).
        vcard: Option<String>,
        /// The person's picture in base64. On-Premises API only.
        contact_image: Option<String>,
        /// Why the user sent the card: `contact_request` if the business asked for their number, or `other`.
        origin: Option<String>,
    }
}

impl ContactCard {
    /// Phone numbers; empty if the card has no such list.
    #[must_use]
    pub fn phones(&self) -> &[ContactPhone] {
        self.phone_list.as_deref().unwrap_or_default()
    }
}

object! {
    /// The name on a card.
    #[derive(Default)]
    ContactName {
        /// The full name.
        formatted_name: Option<String>,
        /// The given name.
        first_name: Option<String>,
        /// The middle name.
        middle_name: Option<String>,
        /// The family name.
        last_name: Option<String>,
        /// Such as `Dr`.
        prefix: Option<String>,
        /// Such as `Jr`.
        suffix: Option<String>,
    }
}

object! {
    /// A phone number on a card.
    #[derive(Default)]
    ContactPhone {
        /// The number as written on the card.
        phone: Option<Id>,
        /// The WhatsApp user with that number.
        wa_id: Option<Id>,
        /// A label: free text.
        label as "type": Option<String>,
    }
}

object! {
    /// An e-mail address on a card.
    #[derive(Default)]
    ContactEmail {
        /// The address.
        email: Option<String>,
        /// A label: free text.
        label as "type": Option<String>,
    }
}

object! {
    /// A postal address on a card.
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
        /// The name of the country.
        country: Option<String>,
        /// The country's two-letter code (ISO 3166-1).
        country_code: Option<String>,
        /// A label: free text.
        label as "type": Option<String>,
    }
}

object! {
    /// The employer of the person on a card.
    #[derive(Default)]
    ContactOrg {
        /// The company.
        company: Option<String>,
        /// The department.
        department: Option<String>,
        /// The person's job title.
        title: Option<String>,
    }
}

object! {
    /// A web page on a card.
    #[derive(Default)]
    ContactUrl {
        /// The URL.
        url: Option<String>,
        /// A label: free text.
        label as "type": Option<String>,
    }
}

object! {
    /// An account at another messenger on a card.
    #[derive(Default)]
    ContactIm {
        /// The messenger, such as `AIM`.
        service: Option<String>,
        /// The person's name there.
        user_id: Option<Id>,
    }
}
