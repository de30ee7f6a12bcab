/**
# Needs approval

Risk by the arguments. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn export(rows: u64) -> Res<u64> {
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::export"), ::core::file!(), ::core::line!())
                .risk_by("if rows > 5 { Risk::High } else { Risk::Low }").arguments(&
                [::approvals::__private::Argument::shown("rows")]);
            }
            &SITE
        });
        loop {
            let turn = gate
                .turn(
                    &|| if rows > 5 { Risk::High } else { Risk::Low },
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
