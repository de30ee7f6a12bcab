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
        Box::pin(async move {
            let permit = {
                let mut gate = ::approvals::__private::Gate::at({
                    ::approvals::__private::site! {
                        static SITE : ::approvals::__private::ActionSite =
                        ::approvals::__private::ActionSite::new("cluster.stop",
                        ::core::file!(), ::core::line!())
                        .risk(::approvals::__private::Risk::High).arguments(&
                        [::approvals::__private::Argument::shown_as("environment",
                        "self.env"), ::approvals::__private::Argument::shown("node")]);
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
                                &::approvals::__private::show(&node),
                            ],
                            &[],
                        );
                    match turn {
                        ::approvals::__private::Turn::Run(permit) => break permit,
                        turn => {
                            if let ::core::result::Result::Err(refusal) = turn
                                .step()
                                .await
                            {
                                return ::approvals::__private::refuse(refusal);
                            }
                        }
                    }
                }
            };
            let outcome: Res<u8> = permit
                .run(
                    ::core::pin::pin!(
                        ::core::option::Option::Some(async move { if false { return
                        ::approvals::__private::never:: < Res < u8 > > (); } { if let
                        ::core::option::Option::Some(__ret) =
                        ::core::option::Option::None:: < Res < u8 > > { return __ret; }
                        let __self = self; let node = node; let __ret : Res < u8 > = {
                        Ok(node) }; __ret } })
                    ),
                )
                .await;
            outcome
        })
    }
}
