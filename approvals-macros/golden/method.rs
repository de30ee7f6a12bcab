impl Cluster {
    /**
# Needs approval

Action `cluster.deploy`, risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
    async fn deploy(&self, version: &str) -> Res<usize> {
        let permit = {
            let mut gate = ::approvals::__private::Gate::at({
                ::approvals::__private::site! {
                    static SITE : ::approvals::__private::ActionSite =
                    ::approvals::__private::ActionSite::new("cluster.deploy",
                    ::core::file!(), ::core::line!())
                    .risk(::approvals::__private::Risk::High)
                    .reason("{version} to {environment}").arguments(&
                    [::approvals::__private::Argument::shown_as("environment",
                    "self.env"), ::approvals::__private::Argument::shown("version")]);
                }
                &SITE
            });
            loop {
                let turn = gate
                    .turn(
                        &::approvals::__private::declared::high,
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
        let outcome: Res<usize> = permit
            .run(
                ::core::pin::pin!(
                    ::core::option::Option::Some(async move { if false { return
                    ::approvals::__private::never:: < Res < usize > > (); } { Ok(version
                    .len()) } })
                ),
            )
            .await;
        outcome
    }
}
