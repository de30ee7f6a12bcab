/**
# Needs approval

Risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn count(rows: u8) -> Result<impl Iterator<Item = u8>, OpsError> {
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::count"), ::core::file!(), ::core::line!())
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
                        return ::approvals::__private::refuse(refusal);
                    }
                }
            }
        }
    };
    let outcome: Result<_, OpsError> = permit
        .run(
            ::core::pin::pin!(
                ::core::option::Option::Some(async move { if false { return
                ::approvals::__private::never:: < Result < _, OpsError > > (); } { Ok(0
                ..rows) } })
            ),
        )
        .await;
    outcome
}
