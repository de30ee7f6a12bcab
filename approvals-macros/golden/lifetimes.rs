/**
# Needs approval

Risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn first<'a>(text: &'a str, other: &str) -> Res<&'a str> {
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::first"), ::core::file!(), ::core::line!())
                .risk(::approvals::__private::Risk::High).arguments(&
                [::approvals::__private::Argument::shown("text"),
                ::approvals::__private::Argument::shown("other")]);
            }
            &SITE
        });
        loop {
            let turn = gate
                .turn(
                    &::approvals::__private::declared::high,
                    &[
                        &::approvals::__private::show(&text),
                        &::approvals::__private::show(&other),
                    ],
                    &[],
                );
            match turn {
                ::approvals::__private::Turn::Run(permit) => break permit,
                turn => {
                    if let ::core::result::Result::Err(refusal) = turn.step().await {
                        return ::approvals::__private::refuse(refusal);
                    }
                }
            }
        }
    };
    let outcome: Res<&'a str> = permit
        .run(
            ::core::pin::pin!(
                ::core::option::Option::Some(async move { if false { return
                ::approvals::__private::never:: < Res < & 'a str > > (); } { Ok(text) }
                })
            ),
        )
        .await;
    outcome
}
