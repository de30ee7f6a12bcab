//! Our signatures against another implementation of Standard Webhooks.

use approvals::time::Timestamp;
use approvals::webhook::signature::{self, Scheme, Unverified, seconds, sign, verify};
use http::HeaderMap;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

/// Bodies of all kinds: empty, with dots and line breaks, long. All text, because it takes no other.
fn bodies() -> Vec<Vec<u8>> {
    let mut bodies = vec![Vec::new(), b"\0.\r\n".to_vec(), b"a.b.c".to_vec(), "ä\u{202e}".into()];
    bodies.extend((1..=64).map(|length| (0..length * 37).map(|at| (at * 31 % 127) as u8).collect()));
    bodies
}

fn headers(id: &str, at: Timestamp, signatures: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(signature::ID, id.parse().unwrap());
    headers.insert(signature::TIMESTAMP, seconds(at).into());
    headers.insert(signature::SIGNATURE, signatures.parse().unwrap());
    headers
}

#[test]
fn it_verifies_what_we_sign() {
    // It asks the system for the time.
    let (now, id) = (Timestamp::now(), "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e_requested");
    let oracle = standardwebhooks::Webhook::new(SECRET).unwrap();
    for body in bodies() {
        let keys = [OTHER.parse().unwrap(), SECRET.parse().unwrap()];
        let both = sign(&keys, id, now, &body).unwrap();
        assert!(oracle.verify(&body, &headers(id, now, &both)).is_ok());
        let other = sign(&keys[..1], id, now, &body).unwrap();
        assert!(oracle.verify(&body, &headers(id, now, &other)).is_err());
        let mut changed = body.clone();
        changed.push(b' ');
        assert!(oracle.verify(&changed, &headers(id, now, &both)).is_err());
    }
}

#[test]
fn we_verify_what_it_signs() {
    let (now, id) = (Timestamp::now(), "msg_1");
    let oracle = standardwebhooks::Webhook::new(SECRET).unwrap();
    for body in bodies() {
        let signed = oracle.sign(id, seconds(now), &body).unwrap();
        assert_eq!(sign(&[SECRET.parse().unwrap()], id, now, &body).unwrap(), signed);
        let judge =
            |key: &str| verify(&[key.parse().unwrap()], id, &seconds(now).to_string(), &signed, &body, now);
        assert_eq!(judge(SECRET), Ok(Scheme::Hmac));
        assert_eq!(judge(OTHER), Err(Unverified::Mismatch));
    }
}
