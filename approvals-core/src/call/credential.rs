//! Which arguments are named like a credential.

/// Words that name a credential, alone or as the last word of a longer name.
const WORDS: &[&str] = &[
    "token",
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "credential",
    "credentials",
    "bearer",
    "jwt",
    "otp",
];

/// Names of one, as a whole. A `cookie` may be a field of a larger thing that is none.
const NAMES: &[&str] = &["authorization", "cookie", "cookies", "auth_header", "pwd", "apikey", "apikeys"];

/// What makes the word `key` behind it a credential: a primary key is none.
const KEYS: &[&str] = &[
    "access",
    "account",
    "api",
    "auth",
    "decryption",
    "deploy",
    "encryption",
    "hmac",
    "host",
    "master",
    "private",
    "root",
    "secret",
    "service",
    "session",
    "signing",
    "ssh",
    "webhook",
];

/// Whether people who choose such a name usually mean a credential. `tokens` alone is a count, as in `max_tokens`.
pub(crate) fn is_name_of_one(name: &str) -> bool {
    let name = name.to_lowercase();
    let name = name.trim_matches('_');
    let (before, last) = name.rsplit_once('_').unwrap_or(("", name));
    let kind = before.rsplit('_').next().unwrap_or_default();
    match last {
        "key" | "keys" => KEYS.contains(&kind),
        "tokens" => ["access", "api", "auth", "bearer", "refresh", "session"].contains(&kind),
        _ => WORDS.contains(&last) || NAMES.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::is_name_of_one;

    #[test]
    fn names_of_credentials_are_known() {
        for name in [
            "token",
            "_token",
            "refresh_token",
            "client_secret",
            "secrets",
            "db_password",
            "passwd",
            "api_key",
            "apikey",
            "private_key",
            "aws_secret_access_key",
            "authorization",
            "cookie",
            "credential",
            "credentials",
            "bearer",
            "access_tokens",
            "API_KEY",
        ] {
            assert!(is_name_of_one(name), "`{name}`");
        }
    }

    #[test]
    fn ordinary_names_are_left_alone() {
        for name in [
            "key",
            "primary_key",
            "public_key",
            "max_tokens",
            "tokens",
            "tokenizer",
            "secretary",
            "author",
            "passenger",
            "cookie_count",
            "rows",
        ] {
            assert!(!is_name_of_one(name), "`{name}`");
        }
    }
}
