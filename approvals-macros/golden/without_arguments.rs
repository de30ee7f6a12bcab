pub async fn tidy() -> Res<()> {
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::tidy"), ::core::file!(), ::core::line!())
                .risk(::approvals::__private::Risk::Low);
            }
            &SITE
        });
        loop {
            let turn = gate.turn(&|| ::approvals::__private::Risk::Low, &[], &[]);
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
    let outcome: Res<()> = async move {
        #[allow(
            unreachable_code,
            clippy::diverging_sub_expression,
            clippy::empty_loop,
            clippy::let_with_type_underscore,
            reason = "pins the type"
        )]
        if false {
            let output: Res<()> = loop {};
            return output;
        }
        { Ok(()) }
    }
        .await;
    permit.finish(&outcome);
    outcome
}
