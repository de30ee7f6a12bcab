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
                    &|| ::toolkit::approvals::__private::Risk::High,
                    &[&::toolkit::approvals::__private::show(&rows)],
                    &[
                        ::toolkit::approvals::__private::Text::reason(
                            &|f| f.write_fmt(::core::format_args!("{}", rows)),
                        ),
                    ],
                );
            let refusal = match turn {
                ::toolkit::approvals::__private::Turn::Run(permit) => break permit,
                ::toolkit::approvals::__private::Turn::Wait(step) => {
                    match step.await {
                        ::core::result::Result::Ok(()) => continue,
                        ::core::result::Result::Err(refusal) => refusal,
                    }
                }
                ::toolkit::approvals::__private::Turn::Stop(refusal) => refusal,
            };
            return ::toolkit::approvals::__private::refuse(refusal);
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
        { Ok(rows) }
    }
        .await;
    permit.finish(&outcome);
    outcome
}
