impl Cluster {
    /**
# Needs approval

Action `cluster.pin`, risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
    async fn pin(self: Pin<&mut Self>) -> Res<()> {
        let mut gate = {
            use ::approvals::__private as __approvals;
            __approvals::Gate::at(
                __approvals::site! {
                    static SITE : __approvals::ActionSite =
                    __approvals::ActionSite::new("cluster.pin", ::core::file!(),
                    ::core::line!()).risk(__approvals::Risk::High).arguments(&
                    [__approvals::Argument::shown_as("environment", "self.env")]);
                },
            )
        };
        let permit = {
            use ::approvals::__private as __approvals;
            loop {
                let turn = __approvals::Gate::turn(
                    &mut gate,
                    &__approvals::declared::high,
                    &[&__approvals::show_by(&|capturer| capturer.show(&self.env))],
                    &[],
                );
                match turn {
                    __approvals::Turn::Run(permit) => break permit,
                    __approvals::Turn::Wait(step) => step.await,
                    __approvals::Turn::Stop(refusal) => {
                        return __approvals::refuse(refusal);
                    }
                }
            }
        };
        let outcome: Res<()> = permit
            .run(
                ::core::pin::pin!(
                    async move { if false { use ::approvals::__private as __approvals;
                    return __approvals::never:: < Res < () > > (); } { Ok(()) } }
                ),
            )
            .await;
        outcome
    }
}
