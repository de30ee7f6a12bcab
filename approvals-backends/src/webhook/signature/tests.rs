use super::*;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const SEED: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
const AT: i64 = 1_649_367_553;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn signs(text: &str) -> SigningKey {
    text.parse().unwrap()
}

fn verifies(text: &str) -> VerifyingKey {
    text.parse().unwrap()
}

fn signed(keys: &[&str]) -> String {
    let keys: Vec<_> = keys.iter().map(|text| signs(text)).collect();
    sign(&keys, ID, at(AT), BODY).unwrap()
}

fn verified(keys: &[&str], header: &str) -> Result<Scheme, Unverified> {
    let keys: Vec<_> = keys.iter().map(|text| verifies(text)).collect();
    verify(&keys, ID, &AT.to_string(), header, BODY, at(AT))
}

#[test]
fn the_published_vector_is_what_we_sign() {
    assert_eq!(signed(&[SECRET]), "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    assert_eq!(verified(&[SECRET], &signed(&[SECRET])), Ok(Scheme::Hmac));
}

#[test]
fn the_public_half_of_a_key_is_the_one_of_rfc_8032() {
    // Section 7.1, test 1.
    assert_eq!(signs(SEED).verifying().public().as_deref(), Some(PUBLIC));
    assert_eq!(verified(&[PUBLIC], &signed(&[SEED])), Ok(Scheme::Ed25519));
}

#[test]
fn a_key_is_a_seed_or_a_seed_with_its_public_half() {
    let half = |text: &str| STANDARD.decode(text.split_once('_').unwrap().1).unwrap();
    let whole = format!("whsk_{}", STANDARD.encode([half(SEED), half(PUBLIC)].concat()));
    assert_eq!(signed(&[&whole]), signed(&[SEED]));
    let wrong = format!("whsk_{}", STANDARD.encode([half(SEED), half(SEED)].concat()));
    assert_eq!(wrong.parse::<SigningKey>().unwrap_err(), InvalidKey::Unsound);
}

#[test]
fn the_text_of_a_key_is_the_one_that_it_is_read_from() {
    for text in [SECRET, SEED] {
        assert_eq!(signs(text).text().expose(), text);
    }
}

#[test]
fn during_rotation_either_key_verifies() {
    let header = signed(&[SECRET, OTHER]);
    assert_eq!(header.split(' ').count(), 2);
    for key in [SECRET, OTHER] {
        assert_eq!(verified(&[key], &header), Ok(Scheme::Hmac), "{key}");
        assert_eq!(verified(&[SECRET, OTHER], &signed(&[key])), Ok(Scheme::Hmac), "{key}");
    }
}

#[test]
fn the_strongest_scheme_that_fits_is_named() {
    let header = signed(&[SECRET, SEED]);
    assert_eq!(verified(&[SECRET, PUBLIC], &header), Ok(Scheme::Ed25519));
    assert_eq!(verified(&[SECRET], &header), Ok(Scheme::Hmac));
    let forged = format!("{} v1a,{}", signed(&[SECRET]), STANDARD.encode([7; 64]));
    assert_eq!(verified(&[SECRET, PUBLIC], &forged), Ok(Scheme::Hmac), "a wrong `v1a` lifts nothing");
}

#[test]
fn an_hmac_made_with_a_public_key_is_no_signature_of_its_owner() {
    // The confusion of schemes: `whpk_` is public, so anybody can compute an HMAC with it.
    let public = STANDARD.decode(PUBLIC.split_once('_').unwrap().1).unwrap();
    let forged = format!("whsec_{}", STANDARD.encode(public));
    assert_eq!(verified(&[PUBLIC], &signed(&[&forged])), Err(Unverified::NoSignature));
    let renamed = signed(&[&forged]).replacen("v1,", "v1a,", 1);
    assert_eq!(verified(&[PUBLIC], &renamed), Err(Unverified::Mismatch));
}

#[test]
fn a_changed_id_time_or_body_does_not_verify() {
    for (key, public) in [(SECRET, SECRET), (SEED, PUBLIC)] {
        let (header, keys) = (signed(&[key]), [verifies(public)]);
        let time = AT.to_string();
        let judge = |id, time: &str, body| verify(&keys, id, time, &header, body, at(AT));
        assert!(judge(ID, &time, BODY).is_ok());
        assert_eq!(judge("msg_other", &time, BODY), Err(Unverified::Mismatch));
        assert_eq!(judge(ID, &(AT + 1).to_string(), BODY), Err(Unverified::Mismatch));
        assert_eq!(judge(ID, &time, b"{}"), Err(Unverified::Mismatch));
        assert_eq!(judge(ID, &format!("0{time}"), BODY), Err(Unverified::Mismatch), "the text is signed");
    }
}

#[test]
fn a_message_counts_for_five_minutes_on_both_sides() {
    let (keys, header, time) = ([verifies(SECRET)], signed(&[SECRET]), AT.to_string());
    let judge = |now| verify(&keys, ID, &time, &header, BODY, at(now));
    for now in [AT - 300, AT, AT + 300] {
        assert!(judge(now).is_ok(), "{}", now - AT);
    }
    assert_eq!(judge(AT + 301), Err(Unverified::TooOld));
    assert_eq!(judge(AT - 301), Err(Unverified::TooNew));
}

#[test]
fn a_timestamp_is_digits_and_not_many() {
    let (keys, header) = ([verifies(SECRET)], signed(&[SECRET]));
    for time in ["", "now", "-1", "+1649367553", " 1649367553", "1649367553.0", "16493675530000", "１６４９"]
    {
        let judged = verify(&keys, ID, time, &header, BODY, at(AT));
        assert_eq!(judged, Err(Unverified::Timestamp), "`{time}`");
    }
}

#[test]
fn an_id_with_a_dot_is_neither_signed_nor_verified() {
    let longest = "a".repeat(LONGEST_ID);
    let longer = "a".repeat(LONGEST_ID + 1);
    for id in ["", "msg.1", "msg 1", "msg\n1", "mäg", longer.as_str()] {
        assert_eq!(sign(&[signs(SECRET)], id, at(AT), BODY), Err(Unsignable::Id), "`{id}`");
        let judged = verify(&[verifies(SECRET)], id, "1", "v1,AA==", BODY, at(AT));
        assert_eq!(judged, Err(Unverified::Id), "`{id}`");
    }
    assert!(sign(&[signs(SECRET)], &longest, at(AT), BODY).is_ok());
}

#[test]
fn nothing_is_signed_without_a_key() {
    assert_eq!(sign(&[], ID, at(AT), BODY), Err(Unsignable::NoKey));
    assert_eq!(verified(&[], &signed(&[SECRET])), Err(Unverified::NoSignature));
}

#[test]
fn signatures_of_other_schemes_are_passed_over_and_a_header_full_of_them_is_refused() {
    let header = format!("v2,AAAA  junk v1b,AAAA {}", signed(&[SECRET]));
    assert_eq!(verified(&[SECRET], &header), Ok(Scheme::Hmac));
    for header in ["", "v1", "v2,AAAA", "tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="] {
        assert_eq!(verified(&[SECRET], header), Err(Unverified::NoSignature), "`{header}`");
    }
    for header in ["v1,", "v1,?", "v1,AAAA"] {
        assert_eq!(verified(&[SECRET], header), Err(Unverified::Mismatch), "`{header}`");
    }
    let full = format!("{} {}", "v1,AAAA ".repeat(MOST_SIGNATURES), signed(&[SECRET]));
    assert_eq!(verified(&[SECRET], &full), Err(Unverified::TooMany));
}

#[test]
fn what_is_no_key_says_why_and_not_what_it_was() {
    let kinds = [
        ("sec_AAAA", InvalidKey::SigningPrefix),
        (PUBLIC, InvalidKey::SigningPrefix),
        ("whsec_not base64", InvalidKey::Base64),
        ("whsec_c2hvcnQ=", InvalidKey::Length),
        ("whsk_c2hvcnQ=", InvalidKey::Length),
    ];
    for (text, why) in kinds {
        assert_eq!(text.parse::<SigningKey>().unwrap_err(), why, "{text}");
    }
    let weak = format!("whpk_{}", STANDARD.encode([0; 32]));
    let kinds = [
        ("sec_AAAA", InvalidKey::VerifyingPrefix),
        (SEED, InvalidKey::SecretHalf),
        ("whpk_c2hvcnQ=", InvalidKey::Length),
        (weak.as_str(), InvalidKey::Unsound),
    ];
    for (text, why) in kinds {
        let error = text.parse::<VerifyingKey>().unwrap_err();
        assert_eq!(error, why, "{text}");
        let key = text.split_once('_').unwrap().1;
        assert!(!error.to_string().contains(key), "{error}");
    }
    let longest = format!("whsec_{}", STANDARD.encode([1; LONGEST_SECRET]));
    assert_eq!(verified(&[&longest], &signed(&[&longest])), Ok(Scheme::Hmac));
    let longer = format!("whsec_{}", STANDARD.encode([1; LONGEST_SECRET + 1]));
    assert_eq!(longer.parse::<SigningKey>().unwrap_err(), InvalidKey::Length);
}

#[test]
fn no_key_prints_itself() {
    for (text, scheme) in [(SECRET, "v1"), (SEED, "v1a")] {
        let key = signs(text);
        let printed = format!("{key:?} {:?}", key.verifying());
        assert_eq!(printed, format!("SigningKey({scheme}, ..) VerifyingKey({scheme}, ..)"));
    }
}
