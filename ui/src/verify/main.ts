import { mount } from "svelte";

import "../styles/tokens.css";
import "../styles/base.css";
import VerifyPage from "./VerifyPage.svelte";

const target = document.getElementById("app");
if (target) mount(VerifyPage, { target });
