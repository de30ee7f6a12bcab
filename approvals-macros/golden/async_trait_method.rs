impl Cluster {
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
                        [::approvals::__private::Argument::shown("environment"),
                        ::approvals::__private::Argument::shown("node")]);
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
            let outcome: Res<u8> = async move {
                #[allow(
                    unreachable_code,
                    clippy::diverging_sub_expression,
                    clippy::empty_loop,
                    clippy::let_with_type_underscore,
                    reason = "pins the type"
                )]
                if false {
                    let output: Res<u8> = loop {};
                    return output;
                }
                {
                    if let ::core::option::Option::Some(__ret) = ::core::option::Option::None::<
                        Res<u8>,
                    > {
                        return __ret;
                    }
                    let __self = self;
                    let node = node;
                    let __ret: Res<u8> = { Ok(node) };
                    __ret
                }
            }
                .await;
            permit.finish(&outcome);
            outcome
        })
    }
}
