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
                    &|| ::approvals::__private::Risk::High,
                    &[&::approvals::__private::show(&rows)],
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
    let outcome: Result<_, OpsError> = async move {
        #[allow(
            unreachable_code,
            clippy::diverging_sub_expression,
            clippy::empty_loop,
            clippy::let_with_type_underscore,
            reason = "pins the type"
        )]
        if false {
            let output: Result<_, OpsError> = loop {};
            return output;
        }
        { Ok(0..rows) }
    }
        .await;
    permit.finish(&outcome);
    outcome
}
