impl Cluster {
    /**
# Needs approval

Action `cluster.drain`, risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
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
                        &::approvals::__private::declared::high,
                        &[
                            &::approvals::__private::skipped(),
                            &::approvals::__private::show(&node),
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
        let outcome: Res<()> = permit
            .run(
                ::core::pin::pin!(
                    ::core::option::Option::Some(async move { if false { return
                    ::approvals::__private::never:: < Res < () > > (); } { self.node =
                    node; Ok(()) } })
                ),
            )
            .await;
        outcome
    }
}
