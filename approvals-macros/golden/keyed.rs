/**
# Needs approval

Risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through. Calls with the same key `{rows}` share one request. A request lives for 4 h. An approval is good for 15 min. A call waits no longer than 30 s. The body may run again under the same approval after a crash in it.*/
async fn export(rows: u64) -> Res<u64> {
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::export"), ::core::file!(), ::core::line!())
                .risk(::approvals::__private::Risk::High).keyed("{rows}").arguments(&
                [::approvals::__private::Argument::shown("rows")])
                .decide_within(14400u64).use_within(900u64).wait(30u64).rerunnable();
            }
            &SITE
        });
        loop {
            let turn = gate
                .turn(
                    &::approvals::__private::declared::high,
                    &[&::approvals::__private::show(&rows)],
                    &[
                        ::approvals::__private::Text::key_of(
                            ::core::format_args!("{}", rows),
                        ),
                    ],
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
    let outcome: Res<u64> = permit
        .run(
            ::core::pin::pin!(
                ::core::option::Option::Some(async move { if false { return
                ::approvals::__private::never:: < Res < u64 > > (); } { Ok(rows) } })
            ),
        )
        .await;
    outcome
}
