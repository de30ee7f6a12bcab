use super::canonical::value;
use super::*;
use proptest::prelude::*;
use serde::{Serialize, Serializer};
use std::cell::Cell;
use std::collections::BTreeMap;

fn of(bytes: usize) -> Limits {
    Limits { bytes, ..Limits::default() }
}

/// A sequence without end, up to the patience of a test, that counts how much of it was asked for.
struct Endless<T>(T, Cell<usize>);

impl<T: Serialize> Serialize for Endless<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(std::iter::repeat_with(|| {
            self.1.set(self.1.get() + 1);
            assert!(self.1.get() < 10_000, "no limit stops it");
            &self.0
        }))
    }
}

#[test]
fn an_endless_argument_stops_at_the_limit() {
    let endless = Endless((), Cell::new(0));
    assert_eq!(capture(&endless, &of(1_000)), Err(CaptureError::TooLarge { limit: 1_000 }));
    assert_eq!(endless.1.get(), 200);
}

#[test]
fn an_endless_display_stops_at_the_limit() {
    struct Endless(Cell<usize>);
    impl std::fmt::Display for Endless {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            loop {
                self.0.set(self.0.get() + 1);
                assert!(self.0.get() < 10_000, "no limit stops it");
                f.write_str("0123456789")?;
            }
        }
    }
    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    let endless = Endless(Cell::new(0));
    assert_eq!(capture(&endless, &of(1_000)), Err(CaptureError::TooLarge { limit: 1_000 }));
    assert_eq!(endless.0.get(), 100);
}

#[test]
fn an_endless_key_stops_at_the_limit() {
    struct Key(Endless<u8>);
    impl Serialize for Key {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(&self.0, ())])
        }
    }
    let key = Key(Endless(0, Cell::new(0)));
    assert_eq!(capture(&key, &of(100)), Err(CaptureError::TooLarge { limit: 100 }));
    assert!(key.0.1.get() < 100);
}

#[test]
fn the_default_limits_are_64_kib_and_64_levels() {
    assert!(shown(&"a".repeat(65_534)).is_ok());
    assert_eq!(shown(&"a".repeat(65_535)), Err(CaptureError::TooLarge { limit: 65_536 }));
    assert!(shown(&nested(64)).is_ok());
    assert_eq!(shown(&nested(65)), Err(CaptureError::TooDeep { limit: 64 }));
}

#[test]
fn an_announced_length_is_not_believed() {
    struct Boast;
    impl Serialize for Boast {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serde::ser::SerializeSeq::end(serializer.serialize_seq(Some(usize::MAX))?)
        }
    }
    shows(&Boast, "[]");
}

#[derive(Serialize)]
#[serde(transparent)]
struct Nested(Vec<Nested>);

fn nested(levels: usize) -> Nested {
    (1..levels).fold(Nested(vec![]), |inner, _| Nested(vec![inner]))
}

#[test]
fn each_kind_of_container_is_a_level() {
    #[derive(Serialize)]
    enum Kind {
        Newtype(u8),
        Tuple(u8, u8),
        Struct { a: u8 },
    }
    let limits = |depth| Limits { depth, ..Limits::default() };
    fn levels<T: Serialize>(value: &T, limits: impl Fn(usize) -> Limits) -> usize {
        (0..10).find(|depth| capture(value, &limits(*depth)).is_ok()).unwrap()
    }
    assert_eq!(levels(&5, limits), 0);
    assert_eq!(levels(&Some(Some(5)), limits), 0);
    assert_eq!(levels(&[5], limits), 1);
    assert_eq!(levels(&BTreeMap::from([(1, 1)]), limits), 1);
    assert_eq!(levels(&BTreeMap::from([((1, 1), 1)]), limits), 2);
    assert_eq!(levels(&Kind::Newtype(1), limits), 1);
    assert_eq!(levels(&Kind::Tuple(1, 1), limits), 2);
    assert_eq!(levels(&Kind::Struct { a: 1 }, limits), 2);
    assert_eq!(levels(&[[(1,)]], limits), 3);
}

#[test]
fn a_deeper_limit_than_can_be_read_back_is_cut() {
    let limits = Limits { depth: usize::MAX, ..Limits::default() };
    assert!(capture(&nested(100), &limits).is_ok());
    assert_eq!(capture(&nested(101), &limits), Err(CaptureError::TooDeep { limit: 100 }));
}

#[test]
fn wrappers_without_a_level_end_too() {
    struct Wrapped(usize);
    impl Serialize for Wrapped {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                0 => serializer.serialize_u8(1),
                left if left % 2 == 0 => serializer.serialize_some(&Wrapped(left - 1)),
                left => serializer.serialize_newtype_struct("Wrapped", &Wrapped(left - 1)),
            }
        }
    }
    shows(&Wrapped(100), "1");
    assert_eq!(shown(&Wrapped(1_000_000)), Err(CaptureError::TooDeep { limit: 64 }));
}

proptest! {
    #[test]
    fn the_limit_is_the_canonical_length(value in value().prop_filter("no `$int`", |value| shown(value).is_ok())) {
        let length = value.canonical().len();
        prop_assert_eq!(capture(&value, &of(length)), Ok(value.clone()));
        prop_assert_eq!(capture(&value, &of(length - 1)), Err(CaptureError::TooLarge { limit: length - 1 }));
    }
}

#[test]
fn large_integers_and_keys_of_every_kind_count_as_written() {
    fn exact<T: Serialize>(value: T) {
        let length = shown(&value).unwrap().len();
        assert!(capture(&value, &of(length)).is_ok());
        assert_eq!(capture(&value, &of(length - 1)), Err(CaptureError::TooLarge { limit: length - 1 }));
    }
    exact(u128::MAX);
    exact(BTreeMap::from([(u128::MAX, 1)]));
    exact(BTreeMap::from([((1, "a\n"), 1), ((2, ""), 1)]));
    exact(BTreeMap::from([(Some("a"), ())]));
    exact(Some(format_args!("{}", "a\u{1}")));
    exact(Ok::<_, ()>((1, 2)));
}
