//! What a store around another one leaves to it.

/// What a method of `Store` returns, as `#[async_trait]` writes it.
pub type Answer<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Writes the methods of a `Store` that only hand on to the store in one of its fields.
///
/// First comes the name by which the library is known there, then the field, then the methods. `append` is not among
/// them: a store that changes nothing about it has no need to stand around another one.
///
/// ```ignore
/// #[async_trait]
/// impl Store for Full {
///     async fn append(&self, _: Append) -> Result<Appended, StoreError> {
///         Err(StoreError::new(StoreErrorKind::Full, "no room is left"))
///     }
///
///     hand_on!(approvals, inner: history, list, records, last, wait_past, hold_node, key);
/// }
/// ```
#[macro_export]
macro_rules! hand_on {
    ($library:ident, $inner:tt: $($method:ident),+) => { $($crate::hand_on!(@$method $library, $inner);)+ };

    (@history $library:ident, $inner:tt) => {
        $crate::hand_on!(@async $library, $inner, history<>(stream: $library::ledger::Stream)
            -> Vec<$library::ledger::Record>);
    };
    (@list $library:ident, $inner:tt) => {
        $crate::hand_on!(@async $library, $inner, list<'filter>(
            filter: &'filter $library::ledger::Filter,
            after: Option<$library::ledger::Cursor>,
            limit: usize
        ) -> $library::ledger::Page);
    };
    (@records $library:ident, $inner:tt) => {
        $crate::hand_on!(@async $library, $inner, records<>(after: $library::id::Seq, limit: usize)
            -> Vec<$library::ledger::Record>);
    };
    (@last $library:ident, $inner:tt) => {
        $crate::hand_on!(@async $library, $inner, last<>() -> $library::id::Seq);
    };
    (@wait_past $library:ident, $inner:tt) => {
        $crate::hand_on!(@async $library, $inner, wait_past<>(after: $library::id::Seq) -> ());
    };
    (@hold_node $library:ident, $inner:tt) => {
        $crate::hand_on!(@async $library, $inner, hold_node<'node>(node: &'node $library::id::NodeName)
            -> Option<$library::ledger::NodeHold>);
    };
    (@key $library:ident, $inner:tt) => {
        fn key(&self) -> &$library::request::StoreKey {
            self.$inner.key()
        }
    };

    // What `#[async_trait]` makes of an `async fn`, written out: it does not look into macros.
    (@async $library:ident, $inner:tt,
        $method:ident<$($given:lifetime)?>($($argument:ident: $type:ty),*) -> $answer:ty
    ) => {
        fn $method<'store, $($given,)? 'answer>(
            &'store self,
            $($argument: $type),*
        ) -> $crate::Answer<'answer, Result<$answer, $library::ledger::StoreError>>
        where
            'store: 'answer,
            $($given: 'answer,)?
        {
            self.$inner.$method($($argument),*)
        }
    };
}
