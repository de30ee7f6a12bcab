/**
# Needs approval

Risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn export(token: &str, pool: Pool, _other: Pool) -> Res<u64> {
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::export"), ::core::file!(), ::core::line!())
                .risk(::approvals::__private::Risk::High).arguments(&
                [::approvals::__private::Argument::secret("token"),
                ::approvals::__private::Argument::shown_as("pool", "pool.name"),
                ::approvals::__private::Argument::skipped("_other", "a handle")]);
            }
            &SITE
        });
        loop {
            #[allow(clippy::used_underscore_binding, reason = "shown")]
            let turn = gate
                .turn(
                    &::approvals::__private::declared::high,
                    &[
                        &::approvals::__private::secret(&token),
                        &::approvals::__private::show_by(
                            &|capturer| capturer.show(&pool.name),
                        ),
                        &::approvals::__private::skipped(),
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
    let outcome: Res<u64> = permit
        .run(
            ::core::pin::pin!(
                ::core::option::Option::Some(async move { if false { return
                ::approvals::__private::never:: < Res < u64 > > (); } { Ok(pool.rows) }
                })
            ),
        )
        .await;
    outcome
}
