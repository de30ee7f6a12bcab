//! What each shape of function becomes, line by line.
//!
//! The expansions stand in `golden/`, one file each. After a change of them:
//! `GOLDEN=overwrite cargo test -p approvals-macros golden`, then read the difference like code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::quote;

/// Name, attribute and item.
type Shape = (&'static str, &'static str, &'static str);

const FUNCTIONS: &[Shape] = &[
    ("function", r#"risk = "high""#, "async fn export(rows: u64) -> Res<u64> { Ok(rows) }"),
    ("without_arguments", r#"risk = "low""#, "pub async fn tidy() -> Res<()> { Ok(()) }"),
    (
        "named",
        r#"risk = "high", action = "data.export""#,
        "async fn export(rows: u64) -> Res<u64> { Ok(rows) }",
    ),
    (
        "texts",
        r#"risk = "high", reason = "{rows:>4} of {name:?}", resource = "{name.first}", sensitivity = "pii", labels(day = day())"#,
        "async fn export(rows: u64, name: Name) -> Res<u64> { Ok(rows) }",
    ),
    (
        "keyed",
        r#"risk = "high", key = "{rows}", wait = "30s", decide_within = "4h", use_within = "15m", rerunnable"#,
        "async fn export(rows: u64) -> Res<u64> { Ok(rows) }",
    ),
    (
        "risk_by_expression",
        r#"risk = if rows > 5 { Risk::High } else { Risk::Low }"#,
        "async fn export(rows: u64) -> Res<u64> { Ok(rows) }",
    ),
    (
        "marks",
        r#"risk = "high""#,
        r#"async fn export(#[approval(secret)] token: &str, #[approval(show = pool.name)] pool: Pool, #[approval(skip = "a handle")] _other: Pool) -> Res<u64> { Ok(pool.rows) }"#,
    ),
    (
        "newtype",
        r#"risk = "high""#,
        "async fn refund(Parameters(order): Parameters<Order>) -> Res<u64> { Ok(order.id) }",
    ),
    (
        "mutable_argument",
        r#"risk = "high""#,
        "async fn export(mut rows: u64, total: &mut u64) -> Res<()> { rows += 1; *total += rows; Ok(()) }",
    ),
    (
        "configured_argument",
        r#"risk = "high""#,
        r#"async fn export(rows: u64, #[cfg(unix)] owner: u32) -> Res<u64> { Ok(rows) }"#,
    ),
    ("raw_names", r#"risk = "high""#, "async fn r#async(r#type: u64) -> Res<u64> { Ok(r#type) }"),
    (
        "generics",
        r#"risk = "high""#,
        "async fn export<T, const N: usize>(items: [T; N]) -> Res<usize> where [T; N]: Serialize { Ok(items.len()) }",
    ),
    (
        "lifetimes",
        r#"risk = "high""#,
        "async fn first<'a>(text: &'a str, other: &str) -> Res<&'a str> { Ok(text) }",
    ),
    (
        "unnamed_argument_type",
        r#"risk = "high""#,
        "async fn sum(items: impl Iterator<Item = u8> + Serialize) -> Res<u8> { Ok(items.sum()) }",
    ),
    (
        "unnamed_output",
        r#"risk = "high""#,
        "async fn count(rows: u8) -> Result<impl Iterator<Item = u8>, OpsError> { Ok(0..rows) }",
    ),
    (
        "foreign_error",
        r#"risk = "high", error = |refusal| refusal.to_string()"#,
        "async fn export(rows: u64) -> Result<u64, String> { Ok(rows) }",
    ),
    (
        "elsewhere",
        r#"risk = "high", reason = "{rows}", crate = ::toolkit::approvals"#,
        "async fn export(rows: u64) -> Res<u64> { Ok(rows) }",
    ),
    (
        "inner_attributes",
        r#"risk = "high""#,
        "/// Exports.\n#[must_use] async fn export(rows: u64) -> Res<u64> { #![allow(unused)] Ok(rows) }",
    ),
    (
        "other_attribute_below",
        r#"risk = "high""#,
        "#[tracing::instrument] async fn export(rows: u64) -> Res<u64> { Ok(rows) }",
    ),
    (
        "returned_future",
        r#"risk = "high""#,
        "fn export(rows: u64) -> impl Future<Output = Res<u64>> + Send { async move { Ok(rows) } }",
    ),
    (
        "boxed_future",
        r#"risk = "high""#,
        "fn export<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Res<&'a str>> + Send + 'a>> { Box::pin(async move { Ok(text) }) }",
    ),
    ("refused", r#"risk = "hihg""#, "async fn export(#[approval(secret)] token: &str) -> Res<u64> { Ok(1) }"),
];

const METHODS: &[Shape] = &[
    (
        "method",
        r#"risk = "high", action = "cluster.deploy", show(environment = self.env), reason = "{version} to {environment}""#,
        "async fn deploy(&self, version: &str) -> Res<usize> { Ok(version.len()) }",
    ),
    (
        "method_that_changes",
        r#"risk = "high", action = "cluster.drain", skip(self) = "one per process""#,
        "async fn drain(&mut self, node: u64) -> Res<()> { self.node = node; Ok(()) }",
    ),
    (
        "method_by_value",
        r#"risk = "high", action = "cluster.delete", show(environment = self.env)"#,
        "async fn delete(mut self) -> Res<Self> { self.gone = true; Ok(self) }",
    ),
    (
        "method_of_a_pointer",
        r#"risk = "high", action = "cluster.pin", show(environment = self.env)"#,
        "async fn pin(self: Pin<&mut Self>) -> Res<()> { Ok(()) }",
    ),
    (
        "associated_function",
        r#"risk = "high", action = "cluster.new""#,
        "async fn new(env: String) -> Res<Self> { Ok(Self { env }) }",
    ),
    (
        "async_trait_method",
        r#"risk = "high", action = "cluster.stop", show(environment = self.env)"#,
        "fn stop<'life0, 'async_trait>(&'life0 self, node: u8) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Res<u8>> + ::core::marker::Send + 'async_trait>> \
         where 'life0: 'async_trait, Self: 'async_trait { \
         Box::pin(async move { if let ::core::option::Option::Some(__ret) = ::core::option::Option::None::<Res<u8>> { return __ret; } \
         let __self = self; let node = node; let __ret: Res<u8> = { Ok(node) }; __ret }) }",
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn expansion((name, attribute, item): &Shape, method: bool) -> String {
    let parse = |text: &str| text.parse::<TokenStream>().unwrap_or_else(|error| panic!("`{name}`: {error}"));
    let expansion = crate::gate(parse(attribute), parse(item));
    let file = if method { quote!(impl Cluster { #expansion }) } else { expansion };
    let file = syn::parse2(file).unwrap_or_else(|error| panic!("`{name}` is no item: {error}"));
    let refused = item_is_refused(&file);
    assert_eq!(refused, *name == "refused", "`{name}`");
    prettyplease::unparse(&file)
}

fn item_is_refused(file: &syn::File) -> bool {
    quote!(#file).to_string().contains("compile_error")
}

#[test]
fn each_shape_becomes_what_stands_in_its_file() {
    let overwrite = env::var_os("GOLDEN").is_some_and(|value| value == "overwrite");
    let shapes =
        FUNCTIONS.iter().map(|shape| (shape, false)).chain(METHODS.iter().map(|shape| (shape, true)));
    let mut changed = Vec::new();
    for (shape, method) in shapes {
        let path = folder().join(format!("{}.rs", shape.0));
        let expansion = expansion(shape, method);
        if overwrite {
            fs::write(&path, &expansion).unwrap();
        } else if fs::read_to_string(&path).ok() != Some(expansion) {
            changed.push(shape.0);
        }
    }
    assert!(
        changed.is_empty(),
        "{changed:?}: run `GOLDEN=overwrite cargo test -p approvals-macros golden` and read the difference"
    );
}

#[test]
fn each_file_belongs_to_a_shape() {
    let names: BTreeSet<_> = FUNCTIONS.iter().chain(METHODS).map(|shape| format!("{}.rs", shape.0)).collect();
    assert_eq!(names.len(), FUNCTIONS.len() + METHODS.len(), "two shapes have one name");
    let files = fs::read_dir(folder()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let strays: Vec<_> = files.filter(|file| !names.contains(file)).collect();
    assert!(strays.is_empty(), "{strays:?}");
}
