//! Randomness of the operating system: passwords and message ids.

use anyhow::anyhow;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A password of 256 random bits, in letters that no URL needs to encode (base64url without padding).
pub(crate) fn password() -> anyhow::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// A random UUID (version 4, RFC 9562), the kind of id that the gateway's newer interfaces give.
pub(crate) fn uuid() -> anyhow::Result<String> {
    const VERSION: u128 = 4 << 76;
    const VARIANT: u128 = 0b10 << 62;
    let random = u128::from_be_bytes(bytes()?);
    let n = random & !(0xf << 76) & !(0b11 << 62) | VERSION | VARIANT;
    let group = |shift: u32| (n >> shift) & 0xffff;
    Ok(format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", n >> 96, group(80), group(64), group(48), n & 0xffff_ffff_ffff))
}

fn bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_holds_256_bits_and_no_letter_that_a_url_encodes() {
        let password = password().unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(&password).unwrap().len(), 32);
        assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_ne!(password, self::password().unwrap());
    }

    #[test]
    fn an_id_is_a_uuid_of_version_4_and_never_the_same() {
        let id = uuid().unwrap();
        let groups: Vec<&str> = id.split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit())));
        assert!(groups[2].starts_with('4'));
        assert!(groups[3].starts_with(['8', '9', 'a', 'b']));
        assert_ne!(id, uuid().unwrap());
    }
}
