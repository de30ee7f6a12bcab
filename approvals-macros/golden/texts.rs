/**
# Needs approval

Risk `high`, sensitivity `pii`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn export(rows: u64, name: Name) -> Res<u64> {
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::export"), ::core::file!(), ::core::line!())
                .risk(::approvals::__private::Risk::High).sensitivity("pii")
                .reason("{rows:>4} of {name:?}").resource("{name.first}").arguments(&
                [::approvals::__private::Argument::shown("rows"),
                ::approvals::__private::Argument::shown("name")]).labels(& [("day",
                "day()")]);
            }
            &SITE
        });
        loop {
            let turn = gate
                .turn(
                    &::approvals::__private::declared::high,
                    &[
                        &::approvals::__private::show(&rows),
                        &::approvals::__private::show(&name),
                    ],
                    &[
                        ::approvals::__private::Text::reason_of(
                            ::core::format_args!("{:>4} of {:?}", rows, name),
                        ),
                        ::approvals::__private::Text::resource_of(
                            ::core::format_args!("{}", name.first),
                        ),
                        ::approvals::__private::Text::label(
                            "day",
                            &|f| f.write_fmt(::core::format_args!("{}", day())),
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
