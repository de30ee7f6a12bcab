/**
# Needs approval

Risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn export(rows: u64) -> Res<u64> {
    let permit = {
        let mut gate = ::toolkit::approvals::__private::Gate::at({
            ::toolkit::approvals::__private::site! {
                static SITE : ::toolkit::approvals::__private::ActionSite =
                ::toolkit::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::export"), ::core::file!(), ::core::line!())
                .risk(::toolkit::approvals::__private::Risk::High).reason("{rows}")
                .arguments(& [::toolkit::approvals::__private::Argument::shown("rows")]);
            }
            &SITE
        });
        loop {
            let turn = gate
                .turn(
                    &::toolkit::approvals::__private::declared::high,
                    &[&::toolkit::approvals::__private::show(&rows)],
                    &[
                        ::toolkit::approvals::__private::Text::reason_of(
                            ::core::format_args!("{}", rows),
                        ),
                    ],
                );
            match turn {
                ::toolkit::approvals::__private::Turn::Run(permit) => break permit,
                turn => {
                    if let ::core::result::Result::Err(refusal) = turn.step().await {
                        return ::toolkit::approvals::__private::refuse(refusal);
                    }
                }
            }
        }
    };
    let outcome: Res<u64> = permit
        .run(
            ::core::pin::pin!(
                ::core::option::Option::Some(async move { if false { return
                ::toolkit::approvals::__private::never:: < Res < u64 > > (); } { Ok(rows)
                } })
            ),
        )
        .await;
    outcome
}
