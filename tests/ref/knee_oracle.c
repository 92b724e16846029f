/* Right-hand side of the knee model for knee_oracle.R (deSolve, compiled at run time), written from the equations of the
 * science dossier, not from the .ant files. Parameters are the vector p; knee_par.h (written by the R script) names them. */
#include <math.h>
static double p[256];
#include "knee_par.h"
static double mx(double a, double b) { return a > b ? a : b; }
static double sat(double x, double m) { return (1 + m)*x/(m + x); }
static double inh(double x, double w) { return (1 + w)/(1 + w*x); }
void initknee(void (*odeparms)(int *, double *)) { int n = NPAR; odeparms(&n, p); }

void knee(int *neq, double *tt, double *y, double *d, double *out, int *ip)
{
	double t = *tt;
	double Lu = y[0], Bl = y[1], Li = y[2], Tf = y[3], Ts = y[4], Df = y[5], Ds = y[6], W = y[7];
	double nd = y[9], lam = y[10], Ep = y[11], Et = y[12], Q = y[13];
	double M1 = y[14], M2 = y[15], T1 = y[16], T17 = y[17], Tr = y[18], TNF = y[19], I1 = y[20], I6 = y[21], I10 = y[22], G = y[23];
	double MM = y[24], P = y[25], K = y[26], B = y[27], N = y[28], R = y[29], V = y[30], Pr = y[31], C = y[32], An = y[33];
	double I = .5*(TNF + I1), L = q_g*q_L_kl*q_L_rel, o = C/(C + q_c_C);
	/* cells */
	double ph = (t - q_t_first)/q_t_prim;
	double rej = q_a*(1 - exp(-ph*ph))*(1 + q_m_re*mx(0, nd - 1));
	double hyp = mx(0, q_O2_ref - q_O2), str = 1 + q_c_I*mx(0, I - 1) + q_c_O*hyp, hom = 1 + q_e_h*mx(0, I - 1)*q_CXCR4;
	double dLu = (q_k_dLu + q_k_imm_sys*rej)*Lu, dBl = q_k_dB*Bl, dLi = q_k_dH*Li;
	double dTf = M_LN2/q_th_f*str*Tf, dTs = (M_LN2/q_th_s*str + q_k_imm_loc*rej)*Ts;
	double dDf = M_LN2/q_th_f_dep*Df, dDs = (M_LN2/q_th_s_dep + q_k_imm_dep*rej)*Ds, dW = q_k_dW*W;
	double clr = dLu + dBl + dLi + dTf + dTs + dDf + dDs + dW, hm = q_k_BT*hom*Bl;
	d[0] = -q_k_rel*Lu - dLu;
	d[1] = q_k_rel*Lu + q_k_leak*Tf - q_k_BH*Bl - hm - dBl;
	d[2] = q_k_BH*Bl - dLi;
	d[3] = (1 - q_f_s)*hm - q_k_leak*Tf - dTf;
	d[4] = q_f_s*hm - dTs;
	d[5] = -dDf; d[6] = -dDs; d[7] = -dW; d[8] = clr; d[9] = 0;
	/* signal */
	double x = mx(0, .5*(T1 + TNF) - 1);
	d[10] = q_k_lic*(x*x/(1 + x*x) - lam);
	d[11] = -q_k_Ep*Ep;
	d[12] = q_p_E*q_k_Ep*Ep - q_k_Et*Et;
	double T = Tf + Ts, D_ = Df + Ds, sg = q_q_cell*(1 + q_s_lam*lam)*(1 + q_s_hyp*hyp);
	double nl = sg*T/(1 + q_ceil_loc*pow(T/q_N_h_loc, 2)) + q_q_cell*q_eq_E*q_k_Et*Et;
	double nD = q_q_cell*D_/(1 + q_ceil_dep*pow(D_/q_N_h_dep, 2)), nS = q_q_cell*Lu/(1 + q_ceil_sys*pow(Lu/q_N_h_sys, 2));
	double Sl = 1 - (1 - nl/(nl + q_EC50_loc))*(1 - q_e_Pr*Pr/(Pr + 1));
	double Sy = 1 - (1 - q_w_dep*nD/(nD + q_EC50_dep))*(1 - q_w_sys*nS/(nS + q_EC50_sys));
	d[13] = q_k_on*(Sl + Sy + q_kappa*clr)*(1 - Q) - q_k_off*Q;
	double s = q_S_max*(1 - (1 - Sl)*(1 - Sy)), S = q_S_max*(1 - (1 - Sl)*(1 - Sy)*(1 - Q));
	/* immune */
	double D = L*(q_d_P*pow(1 - q_p_D*P, 2) + q_d_0), e = 1 - q_eS*S, cs = 1 - q_e_CI*o;
	double fb = .4 + .3*sat(TNF, 3) + .3*sat(T17, 3);
	double F12 = (1 + q_p10*(sat(I10, 4) - 1) + q_pG*(sat(G, 4) - 1))/(1 + q_bD*D) + q_pS*S, F21 = .5 + .5*sat(T1, 4);
	double J = q_c12*(F12*M1 - F21*M2);
	d[14] = q_kM*((1 + q_aD*D)*fb*inh(I10, .15) - M1) - J;
	d[15] = q_kM*((1 + .3*D)*fb - M2) + J;
	d[16] = q_kT*((.5 + .5*sat(M1, 4))*inh(Tr, .4)*e - T1);
	d[17] = q_kT*((.4 + .3*sat(I6, 4) + .3*sat(I1, 4))*inh(Tr, .4)*e - T17);
	d[18] = q_kT*((.4 + .3*sat(G, 3) + .3*sat(I10, 3))*inh(I6, .15)*(.7 + .3*sat((T1 + T17)/2, 4))*(1 + q_rS*S) - Tr);
	d[19] = q_kc*((.7*M1 + .3*T1)*inh(I10, .25)*e*cs - TNF);
	d[20] = q_kc*(M1*inh(I10, .25)*e*cs - I1);
	d[21] = q_kc*((.4*M1 + .3*TNF + .3*I1)*cs - I6);
	d[22] = q_kc*((.5*M2 + .5*Tr)*(1 + .5*S) - I10);
	d[23] = q_kc*((.5*M2 + .3*Tr + .2)*(1 + .3*S) - G);
	/* knee */
	d[24] = q_k_M*((.5 + .5*I)*(1 - q_e_M*S) - MM);
	d[25] = q_k_P*(1 + q_s_P*S)*(1 - P) - q_v_P*MM*L*P;
	d[26] = q_k_K*(1 + q_s_K*s)*(1 - K) - q_v_K*(1 + q_x_C*C)*MM*L*K*(1 - P);
	d[27] = q_k_B*(q_B0/(q_L_kl*q_L_rel*(1 + q_c_B - q_K0))*L*(1 + q_c_B - K) - B*(1 + q_s_B*S));
	d[28] = q_k_N*(1 + q_r_CN*o)*(.25 + (q_w_N6*(I6 - 1) + q_w_NB*B)*(1/(1 + V/q_c_HA))*(1 - q_e_CN*o)*(1/(1 + q_e_n*An)) - N);
	d[29] = q_k_R*s*(1 - R) - q_d_R*MM*R;
	d[30] = -M_LN2/q_th_HA*V; d[31] = -M_LN2/q_th_Pr*Pr; d[32] = -M_LN2/q_th_C*C; d[33] = -M_LN2/q_th_n*An;
	double v = 1 - exp(-mx(0, q_a_N*(N - .25 + q_n_c*q_g) + q_a_I*(I - 1) + q_a_K*(1 - K)));
	d[34] = q_h_0*q_g*exp(q_h_v*v + q_h_K*(1 - K));
	if (q_hold > 0) { /* run-in: slow states held */
		static const int slow[] = { 0,1,2,3,4,5,6,7,8,9,11,12,13,26,27,29,30,31,32,33,34 };
		for (unsigned i = 0; i < sizeof slow/sizeof *slow; i++) d[slow[i]] = 0;
		if (q_hold > 1) d[25] = 0;
	}
	out[0] = s; out[1] = S; out[2] = v; out[3] = I; out[4] = T;
}
