async fn export(token: &str, pool: Pool, _other: Pool) -> Res<u64> {
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::export"), ::core::file!(), ::core::line!())
                .risk(::approvals::__private::Risk::High).arguments(&
                [::approvals::__private::Argument::secret("token"),
                ::approvals::__private::Argument::shown("pool"),
                ::approvals::__private::Argument::skipped("_other", "a handle")]);
            }
            &SITE
        });
        loop {
            #[allow(clippy::used_underscore_binding, reason = "shown")]
            let turn = gate
                .turn(
                    &|| ::approvals::__private::Risk::High,
                    &[
                        &::approvals::__private::secret(&token),
                        &::approvals::__private::show_by(
                            &|capturer| capturer.show(&pool.name),
                        ),
                        &::approvals::__private::skipped(),
                    ],
                    &[],
                );
            let refusal = match turn {
                ::approvals::__private::Turn::Run(permit) => break permit,
                ::approvals::__private::Turn::Wait(step) => {
                    match step.await {
                        ::core::result::Result::Ok(()) => continue,
                        ::core::result::Result::Err(refusal) => refusal,
                    }
                }
                ::approvals::__private::Turn::Stop(refusal) => refusal,
            };
            return ::approvals::__private::refuse(refusal);
        }
    };
    let outcome: Res<u64> = async move {
        #[allow(
            unreachable_code,
            clippy::diverging_sub_expression,
            clippy::empty_loop,
            clippy::let_with_type_underscore,
            reason = "pins the type"
        )]
        if false {
            let output: Res<u64> = loop {};
            return output;
        }
        { Ok(pool.rows) }
    }
        .await;
    permit.finish(&outcome);
    outcome
}
