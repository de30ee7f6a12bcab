use super::*;
use crate::capture::{Limits, Value, capture};
use std::cell::Cell;
use std::rc::Rc;

fn fed<T: SecretBytes + ?Sized>(secret: &T) -> Vec<u8> {
    let mut all = Vec::new();
    secret.feed_secret(&mut |piece| all.extend_from_slice(piece));
    all
}

#[test]
fn a_secret_prints_as_nothing() {
    let secret = Secret::from("canary-7f3a");
    assert_eq!(
        format!("{secret:?} {:?} {:#?}", Some(&secret), secret),
        "Secret(..) Some(Secret(..)) Secret(..)"
    );
}

#[test]
fn a_secret_inside_an_argument_is_masked() {
    #[derive(Serialize)]
    struct Login {
        user: &'static str,
        password: Secret<String>,
        pin: Option<Secret<[u8; 2]>>,
    }
    let login = Login { user: "kim", password: "canary-7f3a".into(), pin: Some(Secret::new(*b"42")) };
    let expected = "{\"password\":\"•••\",\"pin\":\"•••\",\"user\":\"kim\"}";
    assert_eq!(capture(&login, &Limits::default()).unwrap().canonical(), expected.as_bytes());
    assert_eq!(serde_json::to_string(&login.password).unwrap(), "\"•••\"");
    assert_eq!(capture(&login.pin, &Limits::default()), Ok(Value::from(MASK)));
}

#[test]
fn a_secret_is_read_from_a_configuration() {
    let secret: Secret<String> = serde_json::from_str("\"canary-7f3a\"").unwrap();
    assert_eq!(secret.expose(), "canary-7f3a");
}

#[test]
fn a_secret_is_overwritten_when_dropped() {
    struct Seen(Vec<u8>, Rc<Cell<Option<bool>>>);
    impl Wipe for Seen {
        fn wipe(&mut self) {
            self.0.wipe();
            self.1.set(Some(self.0.is_empty()));
        }
    }
    let wiped = Rc::new(Cell::new(None));
    let secret = Secret::new(Seen(b"canary".to_vec(), Rc::clone(&wiped)));
    assert_eq!(wiped.get(), None);
    drop(secret);
    assert_eq!(wiped.get(), Some(true));
}

#[test]
fn every_holder_of_bytes_overwrites_them() {
    let mut array = *b"canary";
    array.wipe();
    assert_eq!(array, [0; 6]);
    let mut boxed = Some(Box::<[u8]>::from(*b"canary"));
    boxed.wipe();
    assert!(boxed.unwrap().iter().all(|byte| *byte == 0));
    let mut text = String::from("canary");
    text.wipe();
    assert_eq!(text, "");
    let mut boxed = Box::<str>::from("canary");
    boxed.wipe();
    assert!(boxed.bytes().all(|byte| byte == 0));
}

#[test]
fn the_bytes_of_a_secret_are_tagged_and_measured() {
    assert_eq!(fed("ab"), b"t\0\0\0\0\0\0\0\x02ab");
    assert_eq!(fed(b"ab".as_slice()), b"b\0\0\0\0\0\0\0\x02ab");
    assert_eq!(fed(&None::<String>), b"n");
    assert_eq!(fed(&Some("")), b"st\0\0\0\0\0\0\0\0");
}

#[test]
fn different_secrets_have_different_bytes() {
    let all = [
        fed(""),
        fed(b"".as_slice()),
        fed("n"),
        fed(&None::<&str>),
        fed(&Some("")),
        fed(&Some("n")),
        fed(&Some(None::<&str>)),
        fed(&Some(Some(""))),
        fed(&vec![0_u8]),
        fed("\0"),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[at + 1..].contains(one), "{one:?} is not unique");
    }
}

#[test]
fn a_wrapper_does_not_change_the_bytes() {
    let plain = fed("canary");
    let mut owned = String::from("canary");
    assert_eq!(fed(&owned), plain);
    assert_eq!(fed(&&&owned), plain);
    assert_eq!(fed(&&mut owned), plain);
    assert_eq!(fed(&Box::new(owned.clone())), plain);
    assert_eq!(fed(&Box::<str>::from("canary")), plain);
    assert_eq!(fed(&Arc::<str>::from("canary")), plain);
    assert_eq!(fed(&Secret::new(owned)), plain);
    assert_eq!(fed(b"canary"), fed(&b"canary".to_vec()));
    assert_eq!(fed(&Secret::new(*b"canary")), fed(b"canary".as_slice()));
}
