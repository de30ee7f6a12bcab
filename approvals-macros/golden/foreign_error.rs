/**
# Needs approval

Risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn export(rows: u64) -> Result<u64, String> {
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::export"), ::core::file!(), ::core::line!())
                .risk(::approvals::__private::Risk::High).arguments(&
                [::approvals::__private::Argument::shown("rows")]);
            }
            &SITE
        });
        loop {
            let turn = gate
                .turn(
                    &::approvals::__private::declared::high,
                    &[&::approvals::__private::show(&rows)],
                    &[],
                );
            match turn {
                ::approvals::__private::Turn::Run(permit) => break permit,
                turn => {
                    if let ::core::result::Result::Err(refusal) = turn.step().await {
                        return ::approvals::__private::refuse_by(
                            refusal,
                            |refusal| refusal.to_string(),
                        );
                    }
                }
            }
        }
    };
    let outcome: Result<u64, String> = permit
        .run(
            ::core::pin::pin!(
                ::core::option::Option::Some(async move { if false { return
                ::approvals::__private::never:: < Result < u64, String > > (); } {
                Ok(rows) } })
            ),
        )
        .await;
    outcome
}
