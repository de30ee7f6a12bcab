impl Cluster {
    /**
# Needs approval

Action `cluster.stop`, risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
    fn stop<'life0, 'async_trait>(
        &'life0 self,
        node: u8,
    ) -> ::core::pin::Pin<
        Box<
            dyn ::core::future::Future<
                Output = Res<u8>,
            > + ::core::marker::Send + 'async_trait,
        >,
    >
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        ::std::boxed::Box::pin(async move {
            let mut gate = {
                use ::approvals::__private as __approvals;
                __approvals::Gate::at(
                    __approvals::site! {
                        static SITE : __approvals::ActionSite =
                        __approvals::ActionSite::new("cluster.stop", ::core::file!(),
                        ::core::line!()).risk(__approvals::Risk::High).arguments(&
                        [__approvals::Argument::shown_as("environment", "self.env"),
                        __approvals::Argument::shown("node")]);
                    },
                )
            };
            let permit = {
                use ::approvals::__private as __approvals;
                loop {
                    let turn = __approvals::Gate::turn(
                        &mut gate,
                        &__approvals::declared::high,
                        &[
                            &__approvals::show_by(&|capturer| capturer.show(&self.env)),
                            &__approvals::show(&node),
                        ],
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
            let outcome: Res<u8> = permit
                .run(
                    ::core::pin::pin!(
                        async move { if false { use ::approvals::__private as
                        __approvals; return __approvals::never:: < Res < u8 > > (); } {
                        if let ::core::option::Option::Some(__ret) =
                        ::core::option::Option::None:: < Res < u8 > > { return __ret; }
                        let __self = self; let node = node; let __ret : Res < u8 > = {
                        Ok(node) }; __ret } }
                    ),
                )
                .await;
            outcome
        })
    }
}
