/**
# Needs approval

Risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn sum(items: impl Iterator<Item = u8> + Serialize) -> Res<u8> {
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::sum"), ::core::file!(), ::core::line!())
                .risk(::approvals::__private::Risk::High).arguments(&
                [::approvals::__private::Argument::shown("items")]);
            }
            &SITE
        });
        loop {
            let turn = gate
                .turn(
                    &::approvals::__private::declared::high,
                    &[&::approvals::__private::show(&items)],
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
    let outcome: Res<u8> = permit
        .run(
            ::core::pin::pin!(
                ::core::option::Option::Some(async move { if false { return
                ::approvals::__private::never:: < Res < u8 > > (); } { Ok(items.sum()) }
                })
            ),
        )
        .await;
    outcome
}
