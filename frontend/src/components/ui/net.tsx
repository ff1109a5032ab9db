"use client";

import { Component, type ReactNode } from "react";

import { Notice } from "./notice";

type Props = { said: string; children: ReactNode };

/** Catches what breaks inside, so that the rest of the page stays. */
export class Net extends Component<Props, { broke: boolean }> {
  override state = { broke: false };

  static getDerivedStateFromError() {
    return { broke: true };
  }

  override componentDidCatch(error: unknown) {
    console.error(error);
  }

  override render() {
    return this.state.broke ? <Notice tone="bad">{this.props.said}</Notice> : this.props.children;
  }
}
