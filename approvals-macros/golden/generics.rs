async fn export<T, const N: usize>(items: [T; N]) -> Res<usize>
where
    [T; N]: Serialize,
{
    let permit = {
        let mut gate = ::approvals::__private::Gate::at({
            ::approvals::__private::site! {
                static SITE : ::approvals::__private::ActionSite =
                ::approvals::__private::ActionSite::new(::core::concat!(::core::module_path!(),
                "::export"), ::core::file!(), ::core::line!())
                .risk(::approvals::__private::Risk::High).arguments(&
                [::approvals::__private::Argument::shown("T"),
                ::approvals::__private::Argument::shown("N"),
                ::approvals::__private::Argument::shown("items")]);
            }
            &SITE
        });
        loop {
            let turn = gate
                .turn(
                    &|| ::approvals::__private::Risk::High,
                    &[
                        &::approvals::__private::show_by(
                            &|capturer| capturer.show(::core::any::type_name::<T>()),
                        ),
                        &::approvals::__private::show_by(&|capturer| capturer.show(&N)),
                        &::approvals::__private::show(&items),
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
    let outcome: Res<usize> = async move {
        #[allow(
            unreachable_code,
            clippy::diverging_sub_expression,
            clippy::empty_loop,
            clippy::let_with_type_underscore,
            reason = "pins the type"
        )]
        if false {
            let output: Res<usize> = loop {};
            return output;
        }
        { Ok(items.len()) }
    }
        .await;
    permit.finish(&outcome);
    outcome
}
