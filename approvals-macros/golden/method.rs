impl Cluster {
    async fn deploy(&self, version: &str) -> Res<usize> {
        let permit = {
            let mut gate = ::approvals::__private::Gate::at({
                ::approvals::__private::site! {
                    static SITE : ::approvals::__private::ActionSite =
                    ::approvals::__private::ActionSite::new("cluster.deploy",
                    ::core::file!(), ::core::line!())
                    .risk(::approvals::__private::Risk::High)
                    .reason("{version} to {environment}").arguments(&
                    [::approvals::__private::Argument::shown("environment"),
                    ::approvals::__private::Argument::shown("version")]);
                }
                &SITE
            });
            loop {
                let turn = gate
                    .turn(
                        &|| ::approvals::__private::Risk::High,
                        &[
                            &::approvals::__private::show_by(
                                &|capturer| capturer.show(&self.env),
                            ),
                            &::approvals::__private::show(&version),
                        ],
                        &[
                            ::approvals::__private::Text::reason(
                                &|f| {
                                    f
                                        .write_fmt(
                                            ::core::format_args!("{} to {}", version, self.env),
                                        )
                                },
                            ),
                        ],
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
            { Ok(version.len()) }
        }
            .await;
        permit.finish(&outcome);
        outcome
    }
}
