impl Cluster {
    async fn drain(&mut self, node: u64) -> Res<()> {
        let permit = {
            let mut gate = ::approvals::__private::Gate::at({
                ::approvals::__private::site! {
                    static SITE : ::approvals::__private::ActionSite =
                    ::approvals::__private::ActionSite::new("cluster.drain",
                    ::core::file!(), ::core::line!())
                    .risk(::approvals::__private::Risk::High).arguments(&
                    [::approvals::__private::Argument::skipped("self",
                    "one per process"),
                    ::approvals::__private::Argument::shown("node")]);
                }
                &SITE
            });
            loop {
                let turn = gate
                    .turn(
                        &|| ::approvals::__private::Risk::High,
                        &[
                            &::approvals::__private::skipped(),
                            &::approvals::__private::show(&node),
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
            {
                self.node = node;
                Ok(())
            }
        }
            .await;
        permit.finish(&outcome);
        outcome
    }
}
